# tests/bench/matmul.c compares with oneDNN and OpenBLAS where they are installed (Debian: libdnnl-dev
# libopenblas-dev), and prints our rates alone where not.
bench_libs = $(foreach l,dnnl openblas,$(shell echo 'int main(void){return 0;}' | \
	$(CC) -x c - -l$l -o /dev/null 2>/dev/null && echo -l$l))
