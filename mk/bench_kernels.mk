# tests/bench/matmul.c and eigen.c compare with oneDNN and OpenBLAS where they are installed (Debian:
# libdnnl-dev libopenblas-dev), and print our rates alone where not.
bench_libs = $(foreach l,dnnl openblas,$(shell echo 'int main(void){return 0;}' | \
	$(CC) -x c - -l$l -o /dev/null 2>/dev/null && echo -l$l))
# by the library, not by its header: any BLAS brings that
$(build)/tests/bench/matmul.o $(build)/tests/bench/eigen.o: \
	FLAGS += $(patsubst -l%,-DHAVE_%,$(bench_libs))
