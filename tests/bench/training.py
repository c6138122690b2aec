#!/usr/bin/env python3
"""tokenize --train beside the trainers of Hugging Face tokenizers, on a quarter of acl_abstracts, one thread each.

usage: training.py     (needs tokenizers 0.23; HEDDLE_DATA_DIR names shared/data)

Hugging Face has the texts in memory, tokenize is a process of its own that reads JSONL and writes the tokenizer.json:
user and system time of each, ours the best of three; with two threads by the clock; peak memory of ours.
That both learn the same is for tests/golden/train_tokenizer.py.
"""
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../golden"))
import tokenizers                           # noqa: E402

import train_tokenizer as golden            # noqa: E402

TOKENIZE = os.path.join(os.environ.get("HEDDLE_BIN", os.path.join(HERE, "../../bin")), "tokenize")
SIZES = {"wordpiece": 30000, "bpe": 30000, "unigram": 8000}


def ours(kind, threads, file, out):
    """CPU seconds and seconds by the clock, the best of three."""
    args = [TOKENIZE, "--train", kind, "--vocab-size", str(SIZES[kind]), "--threads", str(threads), file, "-o", out]
    best = (1e9, 1e9)
    for _ in range(3):
        before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(args, check=True)
        wall, after = time.monotonic() - clock, resource.getrusage(resource.RUSAGE_CHILDREN)
        best = (min(best[0], after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), min(best[1], wall))
    return best


def main():
    with gzip.open(os.path.join(golden.DATA, "acl_abstracts/acl_2016plus.jsonl.gz"), "rt", encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for line in f][::4]
    mb = sum(len(t.encode()) for t in texts) / 1e6
    print("%d texts, %.1f MB" % (len(texts), mb))
    with tempfile.TemporaryDirectory() as folder:
        file, out = folder + "/texts.jsonl", folder + "/tokenizer.json"
        with open(file, "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
        for kind, size in SIZES.items():
            cpu, one = ours(kind, 1, file, out)
            _, two = ours(kind, 2, file, out)
            with open(out, encoding="utf-8") as f:
                spec = json.load(f)
            golden.order_of_symbols = lambda *_: []     # only the time is asked for
            before = resource.getrusage(resource.RUSAGE_SELF)
            golden.train(spec, texts, size)
            after = resource.getrusage(resource.RUSAGE_SELF)
            hf = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print("%s, %d tokens" % (kind, size))
            print("  %-36s %7.2f s %7.1f times HF   two threads %.2f times one by the clock" % ("Heddle", cpu, hf / cpu, one / two))
            print("  %-36s %7.2f s %7.1f times HF" % ("Hugging Face tokenizers " + tokenizers.__version__, hf, 1), flush=True)


if __name__ == "__main__":
    main()
