#!/usr/bin/env python3
"""Writes tests/golden/unigram/models.jsonl: small random Unigram models and what Hugging Face
tokenizers 0.23.3 splits words into with them.

A line is {"model": …, "cases": [[word, ids, [start, end, …]], …]}, offsets in bytes; ids null where
the reference refuses the word. Scores are drawn from few values, so that ties happen, and from
values of 17 digits, which serde_json does not read as the nearest double.

usage: unigram.py [FILE]
"""
import json
import random
import sys

from tokenizers import Tokenizer

ALPHABET = ["a", "b", "c", "é", "▁", "漢", "😀", "x"]


def model(r):
    pieces = {"<unk>": 0.0}
    fine = r.random() < 0.5
    for _ in range(r.randrange(3, 40)):
        piece = "".join(r.choice(ALPHABET[:6]) for _ in range(r.choice([1, 1, 1, 2, 2, 3, 4, 6])))
        pieces[piece] = float("-%d.%017d" % (r.randrange(12), r.randrange(10**17))) if fine else -float(r.randrange(5))
    if r.random() < 0.2:
        pieces = {k: v + 40 for k, v in pieces.items()}
    fallback = r.random() < 0.2
    if fallback:
        missing = r.random() < 0.2
        for b in range(256):
            if not (missing and b == 0x98):
                pieces["<0x%02X>" % b] = -3.0
    vocab = list(pieces.items())
    r.shuffle(vocab)
    unk = [p for p, _ in vocab].index("<unk>")
    return {"type": "Unigram", "unk_id": None if r.random() < 0.1 else unk, "vocab": vocab, "byte_fallback": fallback}


def cases(r, m):
    t = Tokenizer.from_str(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": m}))
    for _ in range(30):
        word = "".join(r.choice(ALPHABET + ["<unk>"] * (r.random() < 0.1)) for _ in range(r.randrange(1, 25)))
        if r.random() < 0.05:
            word *= 20
        try:
            e = t.encode(word)
        except Exception:
            yield [word, None, []]
            continue
        yield [word, e.ids, [len(word[:i].encode()) for o in e.offsets for i in o]]


def main():
    r = random.Random(4)
    with open(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/unigram/models.jsonl", "w") as f:
        for _ in range(60):
            m = model(r)
            f.write(json.dumps({"model": m, "cases": list(cases(r, m))}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
