# make bench: Heddle and each peer side by side in one run on the same records, ratios printed. The peers are Python packages in a
# virtual environment under build/, made on first use (PYTHON=… takes another interpreter that has them).

.PHONY: bench
PYTHON ?= $(build)/bench-venv/bin/python
$(build)/bench-venv/bin/python: $(src)/tests/bench/requirements.txt
	python3 -m venv $(build)/bench-venv
	$@ -m pip install -q -r $<

bench_c := $(patsubst %.c,$(build)/%,$(call sources,tests/bench/*.c))
$(build)/tests/bench/%: $(build)/tests/bench/%.o $(build)/libheddle.a
	$(call SAY,ld $@)
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) $(bench_libs)

bench: all models $(bench_c) $(PYTHON)
	@set -e; export HEDDLE_SRC=$(src) HEDDLE_BIN=$(abspath $(bin)) HEDDLE_BUILD=$(abspath $(build)) \
		HEDDLE_MODELS=$(abspath $(build)/models) PATH="$(abspath $(bin)):$$PATH"; \
	for b in $(bench_c); do echo "== $$b"; $$b; done; \
	for b in $(wildcard $(src)/tests/bench/*.py); do echo "== $$b"; $(PYTHON) $$b; done
