# make install DESTDIR= , uninstall, dist. The commands carry --program-prefix, and so do their man pages and completions.

.PHONY: install uninstall dist
to = $(DESTDIR)$(prefix)
man1 := $(call sources,man/man1/*.1)
man_others := $(call sources,man/man5/*.5 man/man7/*.7)
# models, stop words, templates, notices: what command_data finds
data := $(shell cd $(src)/share && find . -type f | sort)

install: all
	install -d $(to)/bin $(to)/share/heddle $(to)/share/man/man1 $(to)/share/man/man5 $(to)/share/man/man7 \
		$(to)/share/bash-completion/completions $(to)/share/zsh/site-functions $(to)/share/fish/vendor_completions.d
	set -e; for c in $(commands); do p=$(program_prefix)$$c; \
		install -m 755 $(bin)/$$c $(to)/bin/$$p; \
		[ $$c != heddle ] || continue; \
		$(bin)/$$c --completion bash >$(to)/share/bash-completion/completions/$$p; \
		$(bin)/$$c --completion zsh >$(to)/share/zsh/site-functions/_$$p; \
		$(bin)/$$c --completion fish >$(to)/share/fish/vendor_completions.d/$$p.fish; \
	done
	set -e; for m in $(man1); do install -m 644 $(src)/$$m $(to)/share/man/man1/$(program_prefix)$${m##*/}; done
	set -e; for m in $(man_others); do d=$${m%/*}; install -m 644 $(src)/$$m $(to)/share/man/$${d##*/}/; done
	set -e; for f in $(data); do install -D -m 644 $(src)/share/$$f $(to)/share/heddle/$$f; done

uninstall:
	for c in $(commands); do p=$(program_prefix)$$c; \
		rm -f $(to)/bin/$$p $(to)/share/bash-completion/completions/$$p \
			$(to)/share/zsh/site-functions/_$$p $(to)/share/fish/vendor_completions.d/$$p.fish \
			$(to)/share/man/man1/$$p.1; \
	done
	for m in $(man_others); do d=$${m%/*}; rm -f $(to)/share/man/$${d##*/}/$${m##*/}; done
	rm -rf $(to)/share/heddle

dist:
	git -C $(src) archive --format=tar.gz --prefix=heddle-$(VERSION)/ -o $(CURDIR)/heddle-$(VERSION).tar.gz HEAD
	@echo heddle-$(VERSION).tar.gz
