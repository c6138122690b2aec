# Tests. tests/run prints one line a failing test and the closing line over all.

.PHONY: check check-slow sanitize
check: tests sanitize
	$(src)/tests/run $(build) $(bin)

# The command compared with the tokenizers that it is to equal: a part of it in make check (tests/cmd/reference.bats), all of it here.
.PHONY: reference check-reference
check check-slow: reference
reference:
	$(src)/tests/get-reference $(build)/reference
check-reference: reference $(bin)/tokenize
	for mode in compare real; do \
		HEDDLE_DATA_DIR=$${HEDDLE_DATA_DIR:-$(src)/../shared/data} PYTHONPATH=$(build)/reference \
			python3 $(src)/tests/golden/components.py $$mode $(abspath $(bin))/tokenize || exit 1; \
	done
	HEDDLE_DATA_DIR=$${HEDDLE_DATA_DIR:-$(src)/../shared/data} PYTHONPATH=$(build)/reference \
		python3 $(src)/tests/golden/train_tokenizer.py compare $(abspath $(bin))/tokenize
	HEDDLE_DATA_DIR=$${HEDDLE_DATA_DIR:-$(src)/../shared/data} PYTHONPATH=$(build)/reference \
		python3 $(src)/tests/golden/random_tokenizers.py $(abspath $(bin))/tokenize 0 5000

# The same units and fuzz corpora under AddressSanitizer and UndefinedBehaviorSanitizer, in build/sanitize.
ifeq ($(findstring -fsanitize,$(OPTIMISE)),)
sanitize:
	+$(MAKE) build=$(build)/sanitize bin=$(build)/sanitize/bin tests \
		OPTIMISE='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
else
sanitize:
endif

# Everything that is exhaustive: all 2^32 floats through lib/base/math.h and through printing and reading, 10 million mutations of
# JSON, records of 300 MB, every code point in context through the scanners and PCRE2.
check-slow: tests $(build)/tests/unit/test_math_native
	HEDDLE_SLOW=1 HEDDLE_TEST_TIMEOUT=$${HEDDLE_TEST_TIMEOUT:-21600} $(src)/tests/run $(build) $(bin)

$(build)/tests/unit/test_math_native.o: $(src)/tests/unit/test_math.c config.h
	@mkdir -p $(@D)
	$(call SAY,cc $(@:$(build)/%=%))
	$(COMPILE) -march=native $<

# Every file without a warning, by gcc and by clang. A file that no compiler was found for is said, not skipped in silence.
.PHONY: lint fuzz
every := $(call sources,lib/*/*.c gpu/*.c cmd/*.c tests/unit/*.c tests/fuzz/*.c tests/bench/*.c tests/emu/*.c)
lint: $(build)/commands.h
	@for cc in gcc clang; do \
		command -v $$cc >/dev/null || { echo "lint: no $$cc"; exit 1; }; \
		(printf '%s\n' $(every:%='$(src)/% -I$(build)'); \
		for p in $(paths); do for k in $(kernels); do eval "f=\$$flags_$$p"; \
			echo "$(src)/$$k -DKERNEL_PATH=$$p -DKERNEL_$$p $$f"; done; done) | \
		xargs -P 2 -I{} sh -c "$$cc $(FLAGS) $(cairo_cflags) -Werror -fsyntax-only {}" || exit 1; \
	done
lint: export flags_portable := $(flags_portable)
lint: export flags_avx2 := $(flags_avx2)
lint: export flags_avx512 := $(flags_avx512)

# Lay the files out as .clang-format says (version 14, Debian 12's: others differ here and there), but for tables that scripts write
# and for kernels, whose macros it does not understand.
.PHONY: format
format:
	clang-format -i $(addprefix $(src)/,$(filter-out %_table.h %/number_powers.c %/ops_table.h, \
		$(call sources,lib/*/*.[ch] cmd/*.[ch] tests/unit/*.[ch] tests/fuzz/*.c)))

# Search for inputs that break a parser, with libFuzzer (clang, libclang-rt-14-dev): FUZZ_RUNS executions of each target, beginning
# with its corpus. What it finds lies in build/fuzz/ and belongs into the corpus with the fix.
FUZZ_RUNS ?= 1000000
fuzz_flags = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
fuzz: $(wildcard $(src)/tests/fuzz/fuzz_*.c)
	+$(MAKE) build=$(build)/fuzz bin=$(build)/fuzz/bin CC=clang OPTIMISE='$(fuzz_flags)' $(build)/fuzz/libheddle.a
	@set -e; for f in $^; do n=$$(basename $$f .c); echo "== $$n"; mkdir -p $(build)/fuzz/$$n; \
		clang $(FLAGS) $(fuzz_flags) -fsanitize=fuzzer -o $(build)/fuzz/$$n.run $$f $(build)/fuzz/libheddle.a $(LIBS) $(cairo_libs); \
		$(build)/fuzz/$$n.run -runs=$(FUZZ_RUNS) -max_len=4096 -print_final_stats=1 -artifact_prefix=$(build)/fuzz/ \
			$(build)/fuzz/$$n $(src)/tests/fuzz/corpus/$$n 2>&1 | grep -E 'ERROR|SUMMARY|number_of_executed|Test unit' ; done
