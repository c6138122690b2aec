# Models: those that tests use, and the built-in static one, made again from the model it is distilled from.

.PHONY: models static-model
check check-slow: models
models:
	$(src)/tests/get-models $(build)/models

static-model: models $(bin)/model
	HEDDLE_MODELS=$(build)/models $(bin)/model distil all-MiniLM-L6-v2 $(src)/share/models/all-MiniLM-L6-v2-static
