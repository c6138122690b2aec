#!/usr/bin/env python3
"""The BPE model of Hugging Face tokenizers over tiny models: tests/golden/bpe/models.json.

usage: bpe.py     (made with tokenizers 0.23.3)

Each model has one thing that another has not (unk_token, fuse_unk, byte_fallback, ignore_merges, prefix,
suffix, merges of any order), and words of up to 100 characters, so that both ways to merge are taken.
"""
import json
import os
import random

from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
LETTERS = "abcdeé€😀"


def grow(rng, alphabet, n, prefix="", suffix="", shuffle=False):
    """A vocabulary and merges of random pairs, in order or not."""
    first = list(alphabet)
    tokens = first + [prefix + c for c in first if prefix] + [c + suffix for c in first if suffix]
    if prefix and suffix:
        tokens += [prefix + c + suffix for c in first]
    merges = []
    while len(merges) < n:
        a, b = rng.choice(tokens), rng.choice(tokens)
        if prefix and not b.startswith(prefix) or suffix and a.endswith(suffix):
            continue
        c = a + b[len(prefix):]
        if len(c) > 12 or [a, b] in merges:
            continue
        merges.append([a, b])
        if c not in tokens:
            tokens.append(c)
    if shuffle:
        rng.shuffle(merges)
    return {t: i for i, t in enumerate(tokens)}, merges


def word(rng, alphabet):
    n = rng.choice([1, 2, 3, 4, 5, 7, 9, 12, 16, 20, 31, 32, 33, 34, 40, 64, 100])
    k = rng.randint(1, len(alphabet))
    return "".join(rng.choice(alphabet[:k]) for _ in range(n))


def models(rng):
    base = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False}

    def model(alphabet=LETTERS, n=60, prefix="", suffix="", shuffle=False, extra=(), legacy=False, **members):
        vocab, merges = grow(rng, alphabet, n, prefix, suffix, shuffle)
        for t in extra:
            vocab.setdefault(t, len(vocab))
        if legacy:
            merges = ["#version: 0.2"] + [" ".join(m) for m in merges]
        return dict(base, vocab=vocab, merges=merges, continuing_subword_prefix=prefix or None,
                    end_of_word_suffix=suffix or None, **members)

    every_byte = ["<0x%02X>" % b for b in range(256)]
    yield "merges in order", model()
    yield "merges in any order", model(shuffle=True, n=200)
    yield "merges as lines", model(legacy=True)
    yield "two letters, many merges", model("ab", 150)
    yield "one letter", model("a", 30)
    yield "unknown characters dropped", model("abc")
    yield "an unknown token", model("abc", extra=["?"], unk_token="?")
    yield "unknown characters fused", model("abc", extra=["?"], unk_token="?", fuse_unk=True)
    yield "an unknown token that does not exist", model("abc", unk_token="?")
    yield "the unknown token merges", dict(model("abc?", n=80, shuffle=True), unk_token="?", fuse_unk=True)
    yield "byte fallback", model("abc", extra=every_byte, byte_fallback=True)
    yield "byte fallback with an unknown token", model("abc", extra=every_byte + ["?"], byte_fallback=True, unk_token="?")
    yield "byte fallback without all bytes", model("abc", extra=every_byte[:0x9f] + every_byte[0xa0:] + ["?"], byte_fallback=True,
                                                    unk_token="?", fuse_unk=True)
    yield "merges ignored for whole tokens", model(shuffle=True, n=150, ignore_merges=True)
    yield "a continuing prefix", model(prefix="##", n=120)
    yield "a suffix of the last character", model(suffix="</w>", n=120)
    yield "a prefix and a suffix", model(prefix="##", suffix="</w>", n=200)
    yield "a prefix, unknown characters", model("abc", prefix="#", n=60, extra=["?"], unk_token="?", fuse_unk=True)
    twice = model("abc", n=40)
    yield "merges named twice", dict(twice, merges=twice["merges"] + rng.sample(twice["merges"], 10))


def main():
    rng = random.Random(4)
    out = []
    for name, model in models(rng):
        t = Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
                                           "post_processor": None, "decoder": None, "truncation": None, "padding": None, "model": model}))
        words = sorted({word(rng, LETTERS) for _ in range(60)} | set(rng.sample(list(model["vocab"]), 10)))
        cases = []
        for w in words:
            try:
                tokens = t.model.tokenize(w)
                cases.append([w, [x.id for x in tokens], [list(x.offsets) for x in tokens]])
            except Exception:
                cases.append([w, None, None])
        out.append({"name": name, "model": model, "words": cases})
    with open(os.path.join(HERE, "bpe/models.json"), "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(x, ensure_ascii=False, separators=(",", ":")) for x in out) + "\n]\n")


if __name__ == "__main__":
    main()
