#!/usr/bin/env python3
"""Writes lib/text/category_table.h: general categories as the regular expressions of Hugging Face tokenizers see them.

Oniguruma has its own tables. Each class is asked from the installed reference: a Split that removes whatever
matches \\p{Lu}, say, leaves the code points that do not.

usage: category.py [FILE]     (needs tokenizers 0.23)
"""
import sys

import tokenizers
from tokenizers import Regex, pre_tokenizers

from unicode import CODE_POINTS, lines, ranges

CLASSES = [("UPPER", r"[\p{Lu}\p{Lt}]"), ("LOWER", r"\p{Ll}"), ("LETTER", r"[\p{Lm}\p{Lo}]"), ("MARK", r"\p{M}"),
           ("NUMBER", r"\p{N}"), ("SPACE", r"\s"), ("PUNCTUATION", r"\p{P}"), ("SYMBOL", r"\p{S}")]


def members(pattern):
    """The code points that match, asked in one text of all."""
    text = "".join(map(chr, CODE_POINTS))
    left = pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str(text)
    return set(CODE_POINTS) - {ord(c) for piece, _ in left for c in piece}


def main():
    of = {}
    for name, pattern in CLASSES:
        for c in members(pattern):
            assert c not in of, (hex(c), of[c], name)
            of[c] = name
    assert members(r"\p{L}") == {c for c in of if of[c] in ("UPPER", "LOWER", "LETTER")}
    assert members(r"\S") == set(CODE_POINTS) - {c for c in of if of[c] == "SPACE"}
    text = "/*\n * category_table.h: general categories of Oniguruma inside Hugging Face tokenizers, as ranges.\n"
    text += " * Written by tests/golden/category.py from tokenizers %s. Do not edit.\n */\n" % tokenizers.__version__
    text += "#pragma once\n#include \"lib/text/category.h\"\n\n"
    text += "static const struct {\n\tuint32_t first, last;\n\tenum category category;\n} category_table[] = {\n"
    rows = sorted((a, b, name) for name, _ in CLASSES for a, b in ranges(c for c in of if of[c] == name))
    text += lines("{ 0x%X, 0x%X, CATEGORY_%s }," % row for row in rows) + "};\n"
    with open(sys.argv[1] if len(sys.argv) > 1 else "lib/text/category_table.h", "w", encoding="ascii") as f:
        f.write(text)


if __name__ == "__main__":
    main()
