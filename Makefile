# Heddle. `./configure` writes config.mk; then: make, make check, make demo, make install, make bench.
# Objects lie in build/ under the source's own name, executables in bin/. Adding a file needs no edit here.

ifeq ($(wildcard config.mk),)
$(error run ./configure first)
endif
include config.mk

# On all processors, unless -j says otherwise.
ifeq ($(MAKELEVEL)$(filter -j% --jobs%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

build ?= build
bin ?= bin

WARN = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
# One arithmetic (gpu/ops.h): no contraction the source does not write, nothing that changes a rounding.
ARITHMETIC = -ffp-contract=off -fno-trapping-math -fno-math-errno
FLAGS = -std=gnu11 $(OPTIMISE) $(ARITHMETIC) $(WARN) -fopenmp -pthread -D_GNU_SOURCE -I. -I$(src) $(lib_cflags) $(CFLAGS)
LIBS = $(lib_libs) $(if $(cuda),$(cuda_libs)) -lm -fopenmp -pthread -ldl
# make V=1 shows the commands
Q = $(if $(V),,@)
SAY = @$(if $(V),true,echo "  $(1)")
COMPILE = $(Q)$(CC) $(FLAGS) -MMD -MP -c -o $@

sources = $(patsubst $(src)/%,%,$(wildcard $(addprefix $(src)/,$(1))))

# The kernels in gpu/cpu are compiled once a path: portable, and on x86-64 also for AVX2 and AVX-512.
paths := portable $(if $(filter 1,$(X86)),avx2 avx512)
flags_portable :=
flags_avx2 := -march=x86-64-v3
flags_avx512 := -march=x86-64-v4 -mprefer-vector-width=512
kernels := $(call sources,gpu/cpu/*.c)

# The CUDA kernels, for every card from compute capability 7.5 on (8.9 runs what is for 8.6), or for GPU_ARCH alone. Sanitized
# builds do without.
cuda := $(if $(CUDA),$(if $(findstring -fsanitize,$(OPTIMISE)),,$(call sources,gpu/cuda/*.cu)))
gencode := $(if $(GPU_ARCH),-arch=$(GPU_ARCH),$(foreach a,75 80 86 90 100,-gencode arch=compute_$a,code=sm_$a) \
	-gencode arch=compute_120,code=[sm_120,compute_120])
CUDA_FLAGS = -std=c++20 -O3 -fmad=false -ftz=false -prec-div=true -prec-sqrt=true -I. -I$(src) \
	-Xcompiler -Wall,-Wextra,-fno-exceptions,-fno-rtti,-fno-threadsafe-statics,-ffp-contract=off --compress-mode=size $(gencode)

lib := $(filter-out $(if $(cuda),gpu/no_cuda.c),$(call sources,lib/*/*.c gpu/*.c))
lib_objects := $(cuda:%.cu=$(build)/%.o) $(lib:%.c=$(build)/%.o) $(foreach p,$(paths),$(kernels:gpu/cpu/%.c=$(build)/gpu/cpu/%.$(p).o))
# A command is cmd/NAME.c with cmd/NAME_*.c, where it has them; all share the frame.
frame := $(call sources,cmd/command*.c)
commands := $(patsubst cmd/%.c,%,$(filter-out $(frame) $(call sources,cmd/*_*.c),$(call sources,cmd/*.c)))
programs := $(commands:%=$(bin)/%)
unit := $(patsubst %.c,$(build)/%,$(call sources,tests/unit/*.c))
fuzz := $(patsubst %.c,$(build)/%,$(filter-out tests/fuzz/replay.c,$(call sources,tests/fuzz/*.c)))

.PHONY: all tests check check-slow clean
.DELETE_ON_ERROR:
.SECONDARY:
all: $(programs)

$(build)/libheddle.a: $(lib_objects)
	@rm -f $@
	$(call SAY,ar $@)
	$(Q)$(AR) rcs $@ $^

$(build)/%.o: $(src)/%.c config.h
	@mkdir -p $(@D)
	$(call SAY,cc $(@:$(build)/%=%))
	$(COMPILE) $<

define kernel_rule
$(build)/gpu/cpu/%.$(1).o: $(src)/gpu/cpu/%.c config.h
	@mkdir -p $$(@D)
	$$(call SAY,cc $$(@:$(build)/%=%))
	$$(COMPILE) $(flags_$(1)) -DKERNEL_PATH=$(1) -DKERNEL_$(1) $$<
endef
$(foreach p,$(paths),$(eval $(call kernel_rule,$(p))))

$(build)/gpu/cuda/%.o: $(src)/gpu/cuda/%.cu config.h
	@mkdir -p $(@D)
	$(call SAY,nvcc $(@:$(build)/%=%))
	$(Q)$(CUDA) $(CUDA_FLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$(bin)/plot: LIBS += $(cairo_libs)
# What `heddle` lists: each command with the description of its man page.
$(build)/cmd/heddle.o: FLAGS += -I$(build)
$(build)/cmd/heddle.o: $(build)/commands.h
$(build)/commands.h: $(wildcard $(src)/man/man1/*.1) $(wildcard $(src)/cmd/*.c)
	@mkdir -p $(@D)
	@for c in $(filter-out heddle,$(commands)); do \
		printf '{ "%s", "%s" },\n' $$c "$$(sed -n 's/^\.Nd //p' $(src)/man/man1/$$c.1)"; done >$@

objects = $(patsubst %.c,$(build)/%.o,$(1))
$(foreach c,$(commands),$(eval $(bin)/$(c): $(call objects,$(call sources,cmd/$(c)_*.c))))
$(bin)/%: $(build)/cmd/%.o $(call objects,$(frame)) $(build)/libheddle.a
	@mkdir -p $(@D)
	$(call SAY,ld $@)
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

$(build)/tests/unit/%: $(build)/tests/unit/%.o $(build)/libheddle.a
	$(call SAY,ld $@)
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka -ljansson

$(build)/tests/fuzz/%: $(build)/tests/fuzz/%.o $(build)/tests/fuzz/replay.o $(build)/libheddle.a
	$(call SAY,ld $@)
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

tests: all $(unit) $(fuzz)

clean:
	rm -rf $(build) $(bin)

include $(wildcard $(src)/mk/*.mk)
-include $(shell find $(build) -name '*.d' 2>/dev/null)
