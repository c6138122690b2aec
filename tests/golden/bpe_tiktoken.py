#!/usr/bin/env python3
"""A small vocabulary in tiktoken's format, and what tiktoken makes of hostile texts with it: tests/golden/bpe/tiktoken.json.

usage: bpe_tiktoken.py     (made with tiktoken 0.14.0)
"""
import base64
import json
import os
import random

import tiktoken
import tiktoken_ext.openai_public as public
from tiktoken._educational import bpe_train

from pattern import PATTERNS, PIECES

HERE = os.path.dirname(os.path.abspath(__file__))

CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s")
SPLITS = [("r50k_base", public.r50k_pat_str), ("cl100k_base", CL100K), ("o200k_base", PATTERNS[5])]
TEXT = ("The heddle's eyes guide 12345 warp threads; they're raised, they'll fall. DON'T stop the LOOM...\n\n\n    return x  \n"
        "Über naïve façades, 中文 and 한국어, 😀😀 of the the the words worded wording.   ") * 3


def main():
    rng = random.Random(6)
    ranks = bpe_train(TEXT, 340, public.r50k_pat_str, visualise=None)
    ranks[b"unreachable"] = 430         # as a word it is itself, though no merges make it
    lines = "".join("%s %d\n" % (base64.b64encode(b).decode(), r) for b, r in sorted(ranks.items(), key=lambda x: x[1]))
    texts = [TEXT, "unreachable", " unreachable words", ""] + sorted(
        {"".join(rng.choice(PIECES + TEXT.split(" ")) for _ in range(rng.choice([1, 2, 3, 8, 20, 60]))) for _ in range(60)})
    cases = []
    for name, pattern in SPLITS:
        enc = tiktoken.Encoding(name=name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 100257})
        cases.append({"name": name, "ids": [enc.encode_ordinary(t) for t in texts]})
    with open(os.path.join(HERE, "bpe/tiktoken.json"), "w", encoding="utf-8") as f:
        json.dump({"ranks": lines, "texts": texts, "cases": cases}, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
