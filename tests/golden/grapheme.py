#!/usr/bin/env python3
"""Writes lib/text/grapheme_table.h: the classes that decide where grapheme clusters end, as Hugging Face
tokenizers 0.23.3 has them (Rust's unicode-segmentation, Unicode 16).

The Precompiled normalizer shows them: it looks up a grapheme of less than 6 bytes whole, taking
the shortest key that it begins with and dropping the rest. A charsmap of one key K -> X therefore
tells whether K begins a grapheme: "KE" with a mark E becomes "X" if it does, "XE" if something
before K joins it. Every code point is asked so for each class.

usage: grapheme.py [FILE]
"""
import sys
import unicodedata

from charsmap import text_rules
from tokenizers import normalizers

from unicode import CODE_POINTS, table

MARK, ZWJ = "\u0301", "\u200d"


class Probe:
    def __init__(self, *keys):
        self.normalizer = normalizers.Precompiled(text_rules({k: "X" for k in keys}))

    def joined(self, before, key):
        """Is a key of at most 3 bytes part of the grapheme that `before` ends with?"""
        return self.normalizer.normalize_str(before + key + MARK).endswith("X" + MARK)

    def joins(self, key, c):
        """Does c belong to the grapheme that a key of one byte begins?"""
        return self.normalizer.normalize_str(key + c) == "X"


def main():
    a, pict, ka = Probe("a"), Probe("\u00a9"), Probe("\u0915")
    jamo = [Probe(c) for c in "\u1100\u1161\u11a8"]
    after = {c for c in CODE_POINTS if a.joins("a", chr(c))}
    zwj = ord(ZWJ)
    after.discard(zwj)
    extend = {c for c in after if pict.joined("\U0001f600" + chr(c) + ZWJ, "\u00a9")}
    prepend = {c for c in CODE_POINTS if c not in after and c != zwj and a.joined(chr(c), "a")}
    pictographic = {c for c in CODE_POINTS if pict.joined(chr(c) + ZWJ, "\u00a9")}
    left = {c: tuple(j.joined(chr(c), k) for j, k in zip(jamo, "\u1100\u1161\u11a8"))
            for c in CODE_POINTS if c not in prepend}
    of = lambda *bits: {c for c, b in left.items() if b == bits and not 0xAC00 <= c < 0xD7A4}
    l, v, t = of(True, True, False), of(False, True, True), of(False, False, True)
    assert {b for b in left.values()} == {(True, True, False), (False, True, True), (False, False, True), (False,) * 3}
    assert all(left[c] == ((False, True, True) if (c - 0xAC00) % 28 == 0 else (False, False, True))
               for c in range(0xAC00, 0xD7A4))
    linker = {c for c in after if ka.joined("\u0915" + chr(c), "\u0915")}
    consonant = {c for c in CODE_POINTS if c not in prepend | after and ka.joined(chr(c) + "\u094d", "\u0915")}
    incb_extend = {c for c in after | {zwj} if ka.joined("\u0915" + chr(c) + "\u094d", "\u0915")} - linker
    # what a mark does not join: controls (a longer key than 3 bytes cannot be asked, nor does it matter)
    candidates = [c for c in CODE_POINTS if c > 0 and unicodedata.category(chr(c))[0] in "CZ" and c < 0x10000
                  and not 0xE000 <= c < 0xF900 and c not in after]
    control = set()
    for i in range(0, len(candidates), 400):
        part = candidates[i:i + 400]
        p = Probe(*map(chr, part))
        control |= {c for c in part if p.joined("", chr(c))}
    control |= {c for c in CODE_POINTS if c >= 0x10000 and c not in after | prepend and
                (unicodedata.category(chr(c)) == "Cf" or 0xE0000 <= c < 0xE1000)} | {0}
    control -= {ord("\r"), ord("\n")}
    assert {0x1F, 0x7F, 0x200B, 0x2028, 0xFEFF} <= control and 0x20 not in control
    text = "/*\n * grapheme_table.h: where grapheme clusters end, as Hugging Face tokenizers 0.23.3 has it.\n"
    text += " * Written by tests/golden/grapheme.py. Do not edit.\n */\n#pragma once\n#include \"lib/text/unicode.h\"\n"
    for name, comment, members in [
            ("control_ranges", "Control, without CR and LF", control), ("extend_ranges", "Extend, without ZWJ", extend),
            ("spacing_ranges", "SpacingMark", after - extend), ("prepend_ranges", "Prepend", prepend),
            ("l_ranges", "Hangul L", l), ("v_ranges", "Hangul V and its like", v), ("t_ranges", "Hangul T", t),
            ("pictographic_ranges", "Extended_Pictographic", pictographic),
            ("consonant_ranges", "Indic_Conjunct_Break=Consonant", consonant),
            ("linker_ranges", "Indic_Conjunct_Break=Linker", linker),
            ("joining_ranges", "Indic_Conjunct_Break=Extend", incb_extend)]:
        text += table(name, comment, members)
    with open(sys.argv[1] if len(sys.argv) > 1 else "lib/text/grapheme_table.h", "w", encoding="ascii") as f:
        f.write(text)


if __name__ == "__main__":
    main()
