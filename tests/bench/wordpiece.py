#!/usr/bin/env python3
"""tokenize beside Hugging Face tokenizers: WordPiece on acl_abstracts, one thread each, ids counted.

usage: wordpiece.py [TOKENIZE]     (needs tokenizers 0.23; HEDDLE_DATA_DIR names shared/data)

Both get the same texts. Hugging Face encodes them in batches in memory, without offsets to characters
(encode_batch_fast) and with them; the command reads the records, tokenizes and writes a count, so that
its figure holds reading and writing too. User CPU time, the best of three rounds, side by side in a round.
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
import tokenizers  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("HEDDLE_DATA_DIR", os.path.join(HERE, "../../../shared/data"))
MODEL = os.path.join(DATA, "tokenizers/bert-base-uncased/tokenizer.json")


def child(args):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def reference(encode, texts):
    start = time.process_time()
    for i in range(0, len(texts), 1000):
        encode(texts[i:i + 1000])
    return time.process_time() - start


def main():
    command = sys.argv[1] if sys.argv[1:] else "tokenize"
    with gzip.open(os.path.join(DATA, "acl_abstracts/acl_2016plus.jsonl.gz"), "rt", encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for line in f]
    size = sum(len(t.encode()) for t in texts)
    t = tokenizers.Tokenizer.from_file(MODEL)
    sample = texts[::8]
    share = sum(len(x.encode()) for x in sample) / size
    rows = {"tokenize --count": [], "tokenize (ids, tokens, offsets, count)": [], "HF encode_batch_fast": [], "HF encode_batch": []}
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl") as f:
        for text in texts:
            f.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        f.flush()
        base = [command, "-m", MODEL, "--threads", "1", "--drop", "text", f.name]
        for _ in range(3):
            rows["tokenize --count"].append(child(base + ["--count"]))
            rows["tokenize (ids, tokens, offsets, count)"].append(child(base))
            rows["HF encode_batch_fast"].append(reference(t.encode_batch_fast, sample) / share)
            rows["HF encode_batch"].append(reference(t.encode_batch, sample) / share)
    best = {k: min(v) for k, v in rows.items()}
    print("%d texts, %.1f MB, tokenizers %s (timed on every eighth text)" % (len(texts), size / 1e6, tokenizers.__version__))
    for name, seconds in best.items():
        print("%-42s %8.3f s %8.1f MB/s %7.1f times HF encode_batch_fast" %
              (name, seconds, size / 1e6 / seconds, best["HF encode_batch_fast"] / seconds))


if __name__ == "__main__":
    main()
