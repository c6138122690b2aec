#!/usr/bin/env python3
"""Writes lib/text/unicode_class_table.h: rarer Unicode tables inside Hugging Face tokenizers.

As unicode.py: each is asked from the installed reference, code point by code point.

usage: unicode_class.py [FILE]     (needs tokenizers 0.23)
"""
import sys

import tokenizers
from tokenizers import normalizers, pre_tokenizers

from unicode import CODE_POINTS, lines, table


def scripts():
    """Code points into scripts by whether UnicodeScripts splits two of them; None goes with any."""
    pre = pre_tokenizers.UnicodeScripts()
    splits = lambda a, b: len(pre.pre_tokenize_str(chr(a) + chr(b))) == 2
    script, representatives = {}, []
    a, han = ord("A"), 0x4E00
    last = None
    for c in CODE_POINTS:
        if not splits(a, c) and not splits(han, c):
            continue        # goes with any
        if last is None or splits(last, c):
            for i, r in enumerate(representatives):
                if not splits(r, c):
                    script[c] = i + 1
                    break
            else:
                representatives.append(c)
                script[c] = len(representatives)
        else:
            script[c] = script[last]
        last = c
    return script


def main():
    strip = normalizers.StripAccents()
    mark = {c for c in CODE_POINTS if strip.normalize_str(chr(c)) == ""}
    digits = pre_tokenizers.Digits(individual_digits=True)
    numeric = {c for c in CODE_POINTS if len(digits.pre_tokenize_str("a%ca" % c)) == 3}
    script = scripts()
    rows = []
    for c in sorted(script):
        if rows and rows[-1][1] == c - 1 and rows[-1][2] == script[c]:
            rows[-1][1] = c
        else:
            rows.append([c, c, script[c]])
    text = "/*\n * unicode_class_table.h: more Unicode tables of Hugging Face tokenizers.\n"
    text += " * Written by tests/golden/unicode_class.py from tokenizers %s. Do not edit.\n */\n" % tokenizers.__version__
    text += "#pragma once\n#include \"lib/text/unicode.h\"\n"
    text += table("all_mark_table", "marks of every kind (M)", mark)
    text += table("numeric_table", "Nd, Nl, No", numeric)
    text += "\n/* first, last, number of the script; the rest goes with any */\n"
    text += "static const struct {\n\tuint32_t first, last, script;\n} script_table[] = {\n"
    text += lines("{ 0x%X, 0x%X, %d }," % tuple(r) for r in rows) + "};\n"
    with open(sys.argv[1] if len(sys.argv) > 1 else "lib/text/unicode_class_table.h", "w", encoding="ascii") as f:
        f.write(text)


if __name__ == "__main__":
    main()
