#!/usr/bin/env python3
"""Writes lib/text/unicode_table.h and normal_table.h: what the Unicode tables inside Hugging Face tokenizers say.

Every table is asked from the installed reference through its public Python interface, code point by
code point, so that the reference's answer decides even where the Unicode standard or utf8proc
says otherwise. Mappings (canonical decomposition, combining class, lowercase) come from
utf8proc at run time, as they never change once assigned; the tables say which code points the
reference maps at all, and list those that it maps differently from utf8proc 2.8 (Unicode 15).

usage: unicode.py [FOLDER]   (needs tokenizers 0.23 and libutf8proc.so.2)
"""
import ctypes
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


class Property(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining_class", ctypes.c_int16)]


utf8proc = ctypes.CDLL("libutf8proc.so.2")
utf8proc.utf8proc_get_property.restype = ctypes.POINTER(Property)
utf8proc.utf8proc_decompose_char.argtypes = [
    ctypes.c_int32, ctypes.POINTER(ctypes.c_int32), ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p]
utf8proc.utf8proc_decompose_char.restype = ctypes.c_ssize_t
utf8proc.utf8proc_version.restype = ctypes.c_char_p
utf8proc.utf8proc_unicode_version.restype = ctypes.c_char_p


def utf8proc_decompose(c, options):
    out = (ctypes.c_int32 * 32)()
    n = utf8proc.utf8proc_decompose_char(c, out, 32, options, ctypes.byref(ctypes.c_int(0)))
    return "".join(map(chr, out[:n]))


def utf8proc_nfd(c):
    return utf8proc_decompose(c, 1 << 4)


def bert(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **on})


def each(normalizer):
    return {c: normalizer.normalize_str(chr(c)) for c in CODE_POINTS}


def word_tokenizer(**how):
    t = Tokenizer(models.WordLevel({"[UNK]": 0, "X": 1}, unk_token="[UNK]"))
    t.add_tokens([AddedToken("X", normalized=False, **how)])
    return t


def ranges(members):
    out = []
    for c in sorted(members):
        if out and (out[-1][1] == c - 1 or (out[-1][1] == 0xD7FF and c == 0xE000)):
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def lines(items):
    """Items joined into lines of at most 100 columns, a tab counting 8."""
    out, line = [], ""
    for item in items:
        if line and len(line) + len(item) + 1 > 92:
            out.append("\t" + line)
            line = ""
        line += (" " if line else "") + item
    return "\n".join(out + ["\t" + line]) + "\n"


def table(name, comment, members):
    body = lines("{ 0x%X, 0x%X }," % (a, b) for a, b in ranges(members))
    return "\n/* %s */\nstatic const struct unicode_range %s[] = {\n%s};\n" % (comment, name, body)


def main():
    clean, nfd, lower = each(bert(clean_text=True)), each(normalizers.NFD()), each(normalizers.Lowercase())
    strip = each(bert(strip_accents=True))
    control = {c for c in CODE_POINTS if clean[c] == ""}
    space = {c for c in CODE_POINTS if pre_tokenizers.WhitespaceSplit().pre_tokenize_str("a%cb" % c)[0][0] == "a"}
    assert {c for c in CODE_POINTS if clean[c] == " "} == space - control
    punctuation = {c for c in CODE_POINTS if len(pre_tokenizers.Punctuation().pre_tokenize_str("a%cb" % c)) == 3}
    mark = {c for c in CODE_POINTS if nfd[c] == chr(c) and strip[c] == ""}
    assert all(strip[c] == "".join(x for x in nfd[c] if ord(x) not in mark) for c in CODE_POINTS)
    chinese = {c for c in CODE_POINTS if clean[c] and bert(handle_chinese_chars=True).normalize_str(chr(c)) != chr(c)}
    single = word_tokenizer(single_word=True)
    word = {c for c in CODE_POINTS if single.encode("X" + chr(c)).ids[0] != 1}
    assert word == {c for c in CODE_POINTS if single.encode(chr(c) + "X").ids[-1] != 1}
    right = word_tokenizer(rstrip=True)
    assert space == {c for c in CODE_POINTS if right.encode("X" + chr(c)).offsets[0][1] == 2}

    # combining classes: a mark of class 1 moves before one of a higher class, one of class 240 behind a lower
    def moves(text):
        return normalizers.NFD().normalize_str(text) != text
    combining = {c for c in CODE_POINTS if nfd[c] == chr(c) and (moves("a%c\u0334" % c) or moves("a\u0345%c" % c))}
    classes = {c: utf8proc.utf8proc_get_property(c)[0].combining_class for c in combining}
    probes = {k: c for c, k in classes.items()}
    for c, k in classes.items():
        assert k and all(moves("a%c%c" % (c, probe)) == (k > other) for other, probe in probes.items()), hex(c)

    decomposes = {c for c in CODE_POINTS if nfd[c] != chr(c)}
    assert all(utf8proc_nfd(c) == nfd[c] for c in decomposes)
    # what NFKD changes besides; what NFC changes or puts together with the code point before it
    nfkd, nfc = each(normalizers.NFKD()), each(normalizers.NFC())
    compatible = {c for c in CODE_POINTS if nfkd[c] != chr(c)}
    assert all(utf8proc_decompose(c, 1 << 4 | 1 << 2) == nfkd[c] for c in compatible) and decomposes <= compatible
    assert all(normalizers.NFKC().normalize_str(chr(c)) == normalizers.NFC().normalize_str(nfkd[c]) for c in CODE_POINTS)
    seconds = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    for c in decomposes:
        parts = unicodedata.decomposition(chr(c)).split()
        if nfc[c] == chr(c) and len(parts) == 2:
            pair = "".join(chr(int(x, 16)) for x in parts)
            assert normalizers.NFC().normalize_str(pair) == chr(c)
            seconds.add(ord(pair[1]))
    composes = seconds | {c for c in CODE_POINTS if nfc[c] != chr(c)}
    differ = [(c, lower[c]) for c in CODE_POINTS if chr(utf8proc.utf8proc_tolower(c)) != lower[c]]
    assert all(len(to) <= 2 for _, to in differ)
    versions = "tokenizers %s, utf8proc %s (Unicode %s)" % (
        tokenizers.__version__, utf8proc.utf8proc_version().decode(), utf8proc.utf8proc_unicode_version().decode())
    text = "/*\n * unicode_table.h: the Unicode tables of Hugging Face tokenizers, as ranges.\n"
    text += " * Written by tests/golden/unicode.py, which says what is asked and how, from\n * %s. Do not edit.\n */\n" % versions
    text += "#pragma once\n#include \"lib/text/unicode.h\"\n"
    text += table("control_table", "what clean_text removes", control)
    text += table("space_table", "char::is_whitespace of Rust, \\s of its regex", space)
    text += table("punctuation_table", "what splits words: ASCII punctuation and symbols, and P*", punctuation)
    text += table("mark_table", "non-spacing marks (Mn), which strip_accents removes after NFD", mark)
    text += table("chinese_table", "what handle_chinese_chars puts spaces around", chinese)
    text += table("word_table", "\\w of Rust's regex, for single_word", word)
    text += table("decomposes_table", "has a canonical decomposition", decomposes)
    text += table("combining_table", "has a canonical combining class that is not 0", combining)
    text += "\n/* lowercase that utf8proc does not know: from, to, and to after that (or 0) */\n"
    text += "static const uint32_t lower_table[][3] = {\n"
    text += lines("{ 0x%X, 0x%X, 0x%X }," % (c, ord(to[0]), ord(to[1]) if to[1:] else 0) for c, to in differ)
    text += "};\n"
    folder = sys.argv[1] if len(sys.argv) > 1 else "lib/text"
    with open(folder + "/unicode_table.h", "w", encoding="ascii") as f:
        f.write(text)
    text = "/*\n * normal_table.h: what the normalization forms of Hugging Face tokenizers may change.\n"
    text += " * Written by tests/golden/unicode.py from\n * %s. Do not edit.\n */\n" % versions
    text += "#pragma once\n#include \"lib/text/unicode.h\"\n"
    text += table("compatible_table", "has a decomposition, canonical or compatible", compatible)
    text += table("composes_table", "changed by NFC, or put together with what is before it", composes)
    with open(folder + "/normal_table.h", "w", encoding="ascii") as f:
        f.write(text)


if __name__ == "__main__":
    main()
