#!/usr/bin/env python3
"""How the regular expressions of byte-level tokenizers split: tests/golden/pattern/words.json and hashes.tsv.

usage: pattern.py     (made with tokenizers 0.23.3)

words.json: hostile texts, and for each pattern where its words end, in bytes. hashes.tsv: for each pattern one
hash over the words of code points in a context, each of the first two planes.
"""
import json
import os
import random

from tokenizers import Regex, pre_tokenizers

from unicode import CODE_POINTS
from wordpiece import Hash

HERE = os.path.dirname(os.path.abspath(__file__))

FOLDED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPELLED = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"


def cl100k(contraction, digits):
    return contraction + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+" % digits


def o200k(contraction, digits):
    return (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + contraction
            + r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + contraction
            + r"|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+" % digits)


PATTERNS = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    cl100k(FOLDED, "{1,3}"), cl100k(FOLDED, ""), cl100k(SPELLED, "{1,3}"), o200k(FOLDED + "?", "{1,3}"), o200k("", ""),
]
PIECES = (list("abzABZ019 '’.,-/_\"#\n\r\t\v\f\0") + ["  ", "   ", "\r\n", "'s", "'S", "'ſ", "'re", "'LL", "'ve", "'x", "'", "''",
          "é", "É", "ß", "ſ", "K", "ǅ", "ʰ", "中", "あ", "ー", "한", "ก", "ا", "\u0301", "\u0903", "\u20e3", "½", "٣", "Ⅷ", "\xa0",
          "\u2003", "\u3000", "\x85", "\u2028", "\u200b", "\u00ad", "\ufeff", "€", "±", "😀", "👨\u200d👩", "\ue000", "\U0010ffff",
          "𝐀", "𝒶", "𐐀", "𐐨", "\u0378", "\U000e0100", "word", "Word", "WORD", "12345", "://", "...\n\n"])


SOME_CODE_POINTS = [c for c in CODE_POINTS if c < 0x20000 or c % 64 == 0 or 0xE0000 <= c < 0xE0200]


def ends(pattern, text):
    pieces = pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str(text)
    at, out = 0, []
    for piece, _ in pieces:
        at += len(piece.encode())
        out.append(at)
    return out


def context(c):
    return "aB%c\u03011%c%c %cA'%cs\n" % (c, c, c, c, c)


def main():
    rng = random.Random(5)
    texts = sorted({"".join(rng.choice(PIECES) for _ in range(rng.choice([1, 2, 3, 5, 8, 13, 40, 80]))) for _ in range(160)})
    with open(os.path.join(HERE, "pattern/words.json"), "w", encoding="utf-8") as f:
        rows = [json.dumps([text] + [ends(p, text) for p in PATTERNS], ensure_ascii=False, separators=(",", ":")) for text in texts]
        f.write(json.dumps({"patterns": PATTERNS})[:-1] + ",\"texts\":[\n" + ",\n".join(rows) + "\n]}\n")
    with open(os.path.join(HERE, "pattern/hashes.tsv"), "w", encoding="ascii") as f:
        for i, pattern in enumerate(PATTERNS):
            split, h = pre_tokenizers.Split(Regex(pattern), "isolated"), Hash()
            for c in SOME_CODE_POINTS:
                h.bytes(" ".join(str(len(p.encode())) for p, _ in split.pre_tokenize_str(context(c))).encode())
            f.write("%d\t%016x\n" % (i, h.h))


if __name__ == "__main__":
    main()
