# The CUDA emulator (tests/emu/emu.h): .cu files compiled by g++, each load and store a call into the emulator. Shared variables get
# gaps between them on the way through the assembler. Not under sanitizers, which have stacks of their own.

CXX ?= g++
emu_flags = -x c++ -std=gnu++17 -O1 -g $(ARITHMETIC) $(emu_fma) -fno-tree-sra -fno-exceptions -fno-rtti -fno-threadsafe-statics \
	-fsanitize=bounds,shift,signed-integer-overflow,integer-divide-by-zero,float-cast-overflow -fsanitize=thread \
	--param=tsan-distinguish-volatile=1 --param=tsan-instrument-func-entry-exit=0 \
	-Wall -Wextra -Wno-unknown-pragmas -DHEDDLE_EMULATOR -D_GNU_SOURCE -I$(src)/tests/emu -I. -I$(src)
# by hardware where there is some; the bits are the same
emu_fma := $(shell grep -qw fma /proc/cpuinfo 2>/dev/null && echo -mfma)
emu_runtime := $(patsubst %.c,$(build)/%.o,$(call sources,tests/emu/*.c))
emu_tests := $(patsubst %.cu,$(build)/%,$(call sources,tests/emu/test_*.cu))

$(build)/%.emu.o: $(src)/%.cu config.h $(src)/tests/emu/redzone.awk
	@mkdir -p $(@D)
	$(call SAY,emu $(@:$(build)/%=%))
	$(Q)$(CXX) $(emu_flags) -MMD -MP -MF $(@:.o=.d) -MT $@ -S -o $@.s $<
	$(Q)awk -f $(src)/tests/emu/redzone.awk $@.s >$@.gaps.s && $(CXX) -c -o $@ $@.gaps.s

$(build)/tests/emu/test_%: $(build)/tests/emu/test_%.emu.o $(emu_runtime)
	$(call SAY,ld $@)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ -lcmocka -lm -pthread

ifeq ($(findstring -fsanitize,$(OPTIMISE)),)
tests: $(emu_tests)
endif
