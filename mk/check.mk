# Tests. tests/run prints one line a failing test and the closing line over all.

.PHONY: check check-slow sanitize
check: tests sanitize
	$(src)/tests/run $(build) $(bin)

# The same units and fuzz corpora under AddressSanitizer and UndefinedBehaviorSanitizer, in build/sanitize.
ifeq ($(findstring -fsanitize,$(OPTIMISE)),)
sanitize:
	+$(MAKE) build=$(build)/sanitize bin=$(build)/sanitize/bin tests \
		OPTIMISE='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
else
sanitize:
endif

check-slow: tests
	HEDDLE_SLOW=1 $(src)/tests/run $(build) $(bin)
