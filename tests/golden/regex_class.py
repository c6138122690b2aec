#!/usr/bin/env python3
"""Writes lib/token/regex_table.h: the classes of code points of the reference's regular expressions.

Hugging Face tokenizers runs patterns on Oniguruma, whose Unicode tables are newer than PCRE2's. Each
class is asked from the installed reference through its pre-tokenizer Split, and from libpcre2-8;
the table says what PCRE2 calls it and which code points it lacks. A newer PCRE2 knows those itself.
A class of which PCRE2 has code points too many is written whole.

usage: regex_class.py [FILE]     (needs tokenizers 0.23 and libpcre2-8 with Unicode 14: PCRE2 10.40 to 10.42)
"""
import ctypes
import sys

import tokenizers
from tokenizers import Regex, pre_tokenizers

from unicode import CODE_POINTS, lines, ranges

CATEGORIES = "L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp Cc Cf Co".split()
SCRIPTS = """Arabic Armenian Bengali Bopomofo Cherokee Common Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi
Han Hangul Hebrew Hiragana Inherited Kannada Katakana Khmer Lao Latin Malayalam Mongolian Myanmar Oriya Sinhala Syriac Tamil
Telugu Thaana Thai Tibetan""".split()
CLASSES = ([(c, r"\p{%s}" % c, r"\p{%s}" % c) for c in CATEGORIES] + [(s, r"\p{%s}" % s, r"\p{sc:%s}" % s) for s in SCRIPTS] +
           [(c, r"\p{%s}" % c, r"\p{%s}" % c) for c in ("Alphabetic", "Uppercase", "Lowercase")] +
           [("word", r"[\w]", r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"), ("punct", "[[:punct:]]", r"\p{P}\p{S}"),
            ("space", r"\s", r"\x{9}-\x{d}\x{20}\x{85}\p{Z}"), ("blank", "[[:blank:]]", r"\x{9}\p{Zs}")])

pcre = ctypes.CDLL("libpcre2-8.so.0")
pcre.pcre2_compile_8.restype = pcre.pcre2_match_data_create_8.restype = ctypes.c_void_p
pcre.pcre2_match_8.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_uint32,
                               ctypes.c_void_p, ctypes.c_void_p]
pcre.pcre2_get_ovector_pointer_8.restype = ctypes.POINTER(ctypes.c_size_t)
UTF, UCP, NO_CHECK = 0x00080000, 0x00020000, 0x40000000


TEXT = "".join(map(chr, CODE_POINTS)).encode()
STARTS = [0]
for c in CODE_POINTS:
    STARTS.append(STARTS[-1] + len(chr(c).encode()))
INDEX = {at: i for i, at in enumerate(STARTS)}


def of_pcre(inside):
    """The runs of matches in the text of all code points."""
    pattern = ("[%s]+" % inside).encode()
    code = pcre.pcre2_compile_8(pattern, ctypes.c_size_t(len(pattern)), ctypes.c_uint32(UTF | UCP),
                                ctypes.byref(ctypes.c_int()), ctypes.byref(ctypes.c_size_t()), None)
    assert code, inside
    data = ctypes.c_void_p(pcre.pcre2_match_data_create_8(1, None))
    vector, out, at = pcre.pcre2_get_ovector_pointer_8(data), set(), 0
    while pcre.pcre2_match_8(code, TEXT, len(TEXT), at, NO_CHECK, data, None) > 0:
        at = vector[1]
        out.update(CODE_POINTS[INDEX[vector[0]]:INDEX[at]])
    return out


def of_reference(pattern):
    split, out = pre_tokenizers.Split(Regex(pattern), "removed"), set()
    for i in range(0, len(CODE_POINTS), 2000):
        part = CODE_POINTS[i:i + 2000]
        left = set()
        for _, (a, b) in split.pre_tokenize_str("".join(map(chr, part))):
            left.update(range(a, b))
        out.update(c for k, c in enumerate(part) if k not in left)
    return out


def main():
    version = ctypes.create_string_buffer(64)
    pcre.pcre2_config_8(10, version)
    assert version.value == b"14.0.0", version.value
    pcre.pcre2_config_8(11, version)
    text = "/*\n * regex_table.h: what PCRE2 calls the classes of Oniguruma, and the code points that it lacks in them.\n"
    text += " * Written by tests/golden/regex_class.py from tokenizers %s and\n * PCRE2 %s (Unicode 14). Do not edit.\n */\n" % (
        tokenizers.__version__, version.value.decode())
    text += "#pragma once\n#include \"lib/text/unicode.h\"\n"
    rows = []
    for name, pattern, inside in CLASSES:
        a, b = of_reference(pattern), of_pcre(inside)
        if b - a:
            inside, b = "", set()
        missing = ranges(a - b)
        if missing:
            text += "\nstatic const struct unicode_range lacks_%s[] = {\n%s};\n" % (
                name, lines("{ 0x%X, 0x%X }," % (x, y) for x, y in missing))
        array = "lacks_" + name if missing else "NULL"
        rows.append('{ "%s", "%s", %s, %d },' % (name, inside.replace("\\", "\\\\"), array, len(missing)))
    text += "\nstatic const struct regex_class {\n\tconst char *name, *inside; /* inside [] */\n"
    text += "\tconst struct unicode_range *lacks;\n\tsize_t n;\n} regex_classes[] = {\n\t%s\n};\n" % "\n\t".join(rows)
    with open(sys.argv[1] if len(sys.argv) > 1 else "lib/token/regex_table.h", "w", encoding="ascii") as f:
        f.write(text)


if __name__ == "__main__":
    main()
