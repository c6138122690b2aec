# lib/plot/cairo.c is the only file that sees cairo; only plot and its tests link it.
$(build)/lib/plot/cairo.o: FLAGS += $(cairo_cflags)
$(build)/tests/unit/test_plot% $(build)/tests/fuzz/fuzz_chart: LIBS += $(cairo_libs)
