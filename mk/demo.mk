# make demo: the whole pipeline with the built-in model, on this machine's package descriptions or on TEXT=file.jsonl.
.PHONY: demo
demo: all
	$(src)/share/demo.sh $(bin) demo $(TEXT)
