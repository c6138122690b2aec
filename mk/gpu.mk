# The tests on a real card. `make gpu-kit` packs what they need into build/gpu-kit: the built programs with the libraries they
# load, tests, goldens, a model's tokenizer (its weights are random, made there) and texts; it runs on a bare x86-64 machine with
# NVIDIA's driver (for all kinds of cards under 60 MB, or it is an error). `make check-gpu` and `make bench-gpu` pack and run it here.

.PHONY: gpu-kit check-gpu bench-gpu
kit := $(build)/gpu-kit
kit_commands := embed reduce cluster topics tokenize
kit_tests := test_ops test_ops_centers test_ops_learn test_ops_moments test_classifier
minilm := $(build)/models/all-MiniLM-L6-v2
abstracts ?= $(src)/../shared/data/acl_abstracts/acl_2016plus.jsonl.gz

$(build)/tests/gpu/random_model: $(build)/tests/gpu/random_model.o $(build)/libheddle.a
	$(call SAY,ld $@)
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(build)/tests/gpu/%.o: $(src)/tests/gpu/%.cu config.h
	@mkdir -p $(@D)
	$(call SAY,nvcc $(@:$(build)/%=%))
	$(Q)$(CUDA) $(CUDA_FLAGS) -Xcompiler -fopenmp -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

# Programs of the kit, each with its parts in one object in which only kit_NAME can be seen, what was main.
kit_objects := $(kit_commands:%=$(build)/tests/gpu/kit/%.o) $(kit_tests:%=$(build)/tests/gpu/kit/%.o) $(build)/tests/gpu/kit/bench_gpu.o
$(foreach c,$(kit_commands),$(eval $(build)/tests/gpu/kit/$(c).o: $(call objects,$(call sources,cmd/$(c).c cmd/$(c)_*.c))))
$(foreach t,$(kit_tests),$(eval $(build)/tests/gpu/kit/$(t).o: $(build)/tests/unit/$(t).o))
$(build)/tests/gpu/kit/bench_gpu.o: $(build)/tests/gpu/bench_gpu.o
$(kit_objects):
	@mkdir -p $(@D)
	$(Q)ld -r -o $@.all $^
	$(Q)objcopy --redefine-sym main=kit_$(@F:.o=) $@.all
	$(Q)objcopy --keep-global-symbol=kit_$(@F:.o=) $@.all $@

$(build)/tests/gpu/kit/main.o: $(src)/tests/gpu/kit.c config.h $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(COMPILE) '-DKIT_PARTS=$(foreach p,$(notdir $(kit_objects:.o=)),KIT($(p)))' $<

$(build)/tests/gpu/kit/kit: $(build)/tests/gpu/kit/main.o $(kit_objects) $(call objects,$(frame)) $(build)/libheddle.a
	$(call SAY,ld $@)
	$(Q)$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka -ljansson

tests: $(if $(cuda),$(build)/tests/gpu/kit/kit)

gpu-kit: models $(build)/tests/gpu/kit/kit $(build)/tests/gpu/random_model
	@test -n "$(cuda)" || { echo "gpu-kit: configured without nvcc"; exit 1; }
	@test -e $(minilm)/vocab.txt || { echo "gpu-kit: needs $(minilm) (make models)"; exit 1; }
	rm -rf $(kit)
	mkdir -p $(kit)/bin $(kit)/tests $(kit)/lib $(kit)/golden $(kit)/models/random
	strip -g -o $(kit)/kit $(build)/tests/gpu/kit/kit # with names, for compute-sanitizer
	strip -o $(kit)/tests/random_model $(build)/tests/gpu/random_model
	for p in $(kit_commands:%=bin/%) $(kit_tests:%=tests/%) tests/bench_gpu; do \
		printf '#!/bin/sh\nexec "$${0%%/*}/../kit" %s "$$@"\n' $${p##*/} >$(kit)/$$p && chmod +x $(kit)/$$p; done
	ldd $(kit)/kit $(kit)/tests/random_model | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u | \
		grep -vE '/(libc|libm|libdl|libpthread|librt)\.so' | while read -r f; do cp -L $$f $(kit)/lib/; done
	cp -R $(src)/share $(kit)/share
	cp -R $(src)/tests/golden/embed/*/ $(src)/tests/golden/embed/texts.jsonl $(kit)/golden/
	mkdir -p $(kit)/tests/golden/cluster && cp -R $(src)/tests/golden/classify $(kit)/tests/golden/
	cp -R $(minilm)/*.json $(minilm)/vocab.txt $(minilm)/1_Pooling $(kit)/models/random/
	if test -e $(abstracts); then zcat $(abstracts) | head -n 10000; else awk -v n=10000 -f $(src)/tests/data/texts.awk; fi | gzip -9n >$(kit)/texts.jsonl.gz
	cp $(src)/tests/gpu/check $(src)/tests/gpu/bench $(src)/tests/gpu/environment $(kit)/
	du -sh $(kit) && test "$$(du -sm $(kit) | cut -f1)" -lt 60

check-gpu: gpu-kit
	$(kit)/check operations models pipeline fast refused sanitizer

bench-gpu: gpu-kit
	$(kit)/bench
