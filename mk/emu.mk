# The CUDA emulator (tests/emu/emu.h): .cu files compiled by g++, each load and store a call into the emulator. Shared variables get
# gaps between them on the way through the assembler. Not under sanitizers, which have stacks of their own.

CXX ?= g++
emu_flags = -x c++ -std=gnu++17 -O1 -g $(ARITHMETIC) $(emu_fma) -fno-tree-sra -fno-exceptions -fno-rtti -fno-threadsafe-statics \
	-fsanitize=bounds,shift,signed-integer-overflow,integer-divide-by-zero,float-cast-overflow -fsanitize=thread \
	--param=tsan-distinguish-volatile=1 --param=tsan-instrument-func-entry-exit=0 \
	-Wall -Wextra -Wno-unknown-pragmas -DHEDDLE_EMULATOR -D_GNU_SOURCE -I$(src)/tests/emu -I. -I$(src)
# by hardware where there is some; the bits are the same
emu_fma := $(shell grep -qw fma /proc/cpuinfo 2>/dev/null && echo -mfma)
emu_runtime := $(call objects,$(call sources,tests/emu/*.c))
emu_backend := $(patsubst %.cu,$(build)/%.emu.o,$(call sources,gpu/cuda/*.cu))
emu_libs := $(lib_libs) -lm -fopenmp -pthread -ldl

$(build)/%.emu.o: $(src)/%.cu config.h $(src)/tests/emu/redzone.awk
	@mkdir -p $(@D)
	$(call SAY,emu $(@:$(build)/%=%))
	$(Q)$(CXX) $(emu_flags) -MMD -MP -MF $(@:.o=.d) -MT $@ -S -o $@.s $<
	$(Q)awk -f $(src)/tests/emu/redzone.awk $@.s >$@.gaps.s && $(CXX) -c -o $@ $@.gaps.s

# The emulator's own tests.
emu_tests := $(patsubst %.cu,$(build)/%,$(call sources,tests/emu/test_*.cu))
$(build)/tests/emu/test_%: $(build)/tests/emu/test_%.emu.o $(emu_runtime)
	$(call SAY,ld $@)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ -lcmocka -lm -pthread

# The tests of operations and the commands of the pipeline with the CUDA backend on the emulator; what it has comes before the
# archive's, so neither nvcc's objects nor gpu/no_cuda.c are taken.
emu_ops := $(patsubst tests/unit/%.c,$(build)/tests/emu/ops/%,$(call sources,tests/unit/test_ops*.c))
$(build)/tests/emu/ops/%: $(build)/tests/unit/%.o $(emu_backend) $(emu_runtime) $(build)/libheddle.a
	@mkdir -p $(@D)
	$(call SAY,ld $@)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(emu_libs) -lcmocka -ljansson

emu_commands := $(addprefix $(build)/tests/emu/bin/,embed reduce cluster topics classify ner evaluate plot)
emu_commands := $(filter $(commands:%=$(build)/tests/emu/bin/%),$(emu_commands))
$(foreach c,$(commands),$(eval $(build)/tests/emu/bin/$(c): $(call objects,$(call sources,cmd/$(c)_*.c))))
$(build)/tests/emu/bin/plot: emu_libs += $(cairo_libs)
$(build)/tests/emu/bin/%: $(build)/cmd/%.o $(call objects,$(frame)) $(emu_backend) $(emu_runtime) $(build)/libheddle.a
	@mkdir -p $(@D)
	$(call SAY,ld $@)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(emu_libs)

ifeq ($(findstring -fsanitize,$(OPTIMISE)),)
tests: $(emu_tests) $(if $(emu_backend),$(emu_ops) $(emu_commands))
endif
