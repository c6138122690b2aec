#!/usr/bin/env python3
"""Writes tests/golden/precompiled/cases.jsonl: texts full of grapheme clusters, as Hugging Face tokenizers
0.23.3 normalizes them by charsmaps (made here), Nmt and forms.

A line is {"normalizer": …, "cases": [[text, normalized, [start, end, …]], …]}: the code points of
the text that each code point of the result is from.

usage: precompiled.py [FILE]
"""
import json
import random
import sys

from charsmap import encoded
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

PARTS = ["a", "b", " ", "\r\n", "\r", "\n", "\x01", "\t", "\u00e9", "e\u0301", "\u0301", "\u0327", "\u200d", "\u200b", "\u0600",
         "\u00a9", "\u00ae", "\ufe0f", "\U0001f600", "\U0001f1e6", "\U0001f1e7", "\U0001f3fd", "\u1100", "\u1161", "\u11a8", "\uac00",
         "\uac01", "\u0915", "\u094d", "\u093f", "\u0924", "\ufb01", "\u2122", "\u3000", "\uff21", "\u0000", "\U000110bd", "\ufffd",
         "\u2581", "\ud7b0", "\U00016d63", "\u0d4e", "\U000e0061", "\x8f"]
MAPS = [
    {"a": "X"},
    {"\u2122": "TM", "\x01": "", "\r\n": " ", "\r": " ", "\n": " ", "\t": "", "\u3000": " ", "\u0301": ""},
    {"e\u0301": "\u00e9", "e": "E", "a\u0301": "\u00e1", "\ufb01": "fi", "\u200d": "", "\u0600a": "Z", "\u00a9\ufe0f": "(c)", "\uff21": "A"},
    {"\u1100\u1161": "\uac00", "\uac00": "ga", "\u0915": "ka", "\U0001f600": ":)", "\U0001f1e6": "", "\u0915\u094d": "k", "b": "bb",
     "\ufffd": "?", "\U000110bd": "", "\ud7b0": "v"},
    {"\u0301": "\u0327\u0327", "\u0327": "", "\u00ae": "(r)", "\ufe0f": "", "a": "", "b": "\u2581\u2581"},
]


def main():
    r = random.Random(9)
    normalizers = [{"type": "Precompiled", "precompiled_charsmap": encoded(m)} for m in MAPS]
    normalizers += [{"type": "Nmt"}, {"type": "Sequence", "normalizers": [normalizers[4], {"type": "NFC"}, normalizers[1]]},
                    {"type": "Sequence", "normalizers": [{"type": "NFKD"}, normalizers[1], {"type": "Nmt"}]}]
    with open(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/precompiled/cases.jsonl", "w", encoding="utf-8") as f:
        for n in normalizers:
            t = Tokenizer.from_str(json.dumps({
                "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": n,
                "pre_tokenizer": None, "post_processor": None, "decoder": None,
                "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}}))
            t.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
            cases = []
            for _ in range(120):
                text = "".join(r.choice(PARTS) for _ in range(r.randrange(1, 16)))
                cases.append([text, t.normalizer.normalize_str(text), [x for o in t.encode(text).offsets for x in o]])
            f.write(json.dumps({"normalizer": n, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
