#!/usr/bin/env python3
"""Make lib/text/words_table.h and tests/golden/words/: what Python's str.lower() and re's \\w say.

usage: tests/golden/words.py   (from the source tree; with the Python that runs BERTopic)

The table is whole, not a list of differences from utf8proc, so that the words of a text do not depend on
the Unicode version of an installed library. tokens.json: hostile texts and the tokens that
scikit-learn's CountVectorizer finds in them.
"""
import json, pathlib, re, sys, unicodedata

from sklearn import __version__ as sklearn_version
from sklearn.feature_extraction.text import CountVectorizer, ENGLISH_STOP_WORDS

root = pathlib.Path(__file__).resolve().parents[2]
points = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def ranges(inside):
    out = []
    for c in points:
        if inside(c):
            if out and out[-1][1] == c - 1:
                out[-1][1] = c
            else:
                out.append([c, c])
    return out


word = re.compile(r"(?u)\w")
sigma = "\u03a3"


def final_after(before):
    return (before + sigma).lower().endswith("\u03c2")


# str.lower() makes a capital sigma final after a cased letter, skipping what is case-ignorable.
cased = lambda c: final_after("1" + chr(c))
ignorable = lambda c: final_after("a" + chr(c)) and not cased(c)

lower = []  # first, last, step, delta
for c in points:
    to = chr(c).lower()
    if to == chr(c):
        continue
    if c == 0x130:
        assert to == "i\u0307"  # the only one that becomes two: words.c knows it
        continue
    assert len(to) == 1, hex(c)
    delta = ord(to) - c
    if lower and lower[-1][3] == delta:
        first, last, step, _ = lower[-1]
        if first == last and c - last <= 2:
            lower[-1] = [first, c, c - last, delta]
            continue
        if first != last and c - last == step:
            lower[-1][1] = c
            continue
    lower.append([c, c, 1, delta])


def rows(name, type_, items, each):
    text = f"static const {type_} {name}[] = {{\n"
    line = "\t"
    for i in items:
        s = each(i) + ","
        if len(line.expandtabs(8)) + len(s) > 98:
            text += line.rstrip() + "\n"
            line = "\t"
        line += s + " "
    return text + line.rstrip() + "\n};\n"


pair = lambda r: f"{{0x{r[0]:x},0x{r[1]:x}}}"
(root / "lib/text/words_table.h").write_text(
    "/*\n * words_table.h: which code points are \\w to Python's re, and what str.lower() makes of them. Written by\n"
    f" * tests/golden/words.py with Python {sys.version.split()[0]}, Unicode {unicodedata.unidata_version}. Do not edit.\n */\n"
    "#pragma once\n#include <stdint.h>\n\n"
    "/* ASCII: the lowercase of what is \\w, 0 of what is not, and of all that is no ASCII. */\n"
    + rows("words_ascii", "unsigned char", range(256),
           lambda c: str(ord(chr(c).lower())) if c < 128 and word.fullmatch(chr(c)) else "0")
    + "\n"
    "struct words_range {\n\tuint32_t first, last;\n};\n\n"
    "/* Letters, digits, other numbers and the underscore. */\n"
    + rows("words_word", "struct words_range", ranges(lambda c: word.fullmatch(chr(c))), pair)
    + "\n/* What decides whether a capital sigma is final: cased letters, and what is skipped between. */\n"
    + rows("words_cased", "struct words_range", ranges(cased), pair)
    + rows("words_ignorable", "struct words_range", ranges(ignorable), pair)
    + "\nstruct words_lower {\n\tuint32_t first, last, step;\n\tint32_t delta;\n};\n\n"
    "/* Every step-th code point from first to last becomes itself + delta. */\n"
    + rows("words_lower", "struct words_lower", lower, lambda r: f"{{0x{r[0]:x},0x{r[1]:x},{r[2]},{r[3]}}}")
)

# --- goldens -----------------------------------------------------------------------------------------------------
fnv = 0xCBF29CE484222325
for c in points:
    for value in [ord(x) for x in chr(c).lower()] + [1 if word.fullmatch(chr(c)) else 0]:
        fnv = ((fnv ^ value) * 0x100000001B3) % 2**64

texts = [
    "", " ", "a", "ab", "A B", "Ab cD", "don't", "it's x-ray_2 of C3PO", "under_score __init__ _", "a1 1a 11 1",
    "naïve café RÉSUMÉ", "nai\u0308ve cafe\u0301", "ΣΟΦΟΣ ΣΑΣ Σ ΑΣ ΑΣΑ Α.Σ ΑΣ. ΑΣ'Α 1Σ ΟΔΥΣΣΕΥΣ", "ΑΣ\u0301 ΑΣ\u0301Β Α\u00adΣ ΑΣ\u00adΒ",
    "ΣΣ ΣΣΣ aΣ aΣ\u0301 ʰΣ aʰΣ ᾼΣ", "İstanbul IŞIK İİ ıI", "Straße STRASSE ẞß", "Ǆ ǅ ǆ Ǆ1 ǅx", "Ⅷ ⅷⅷ ⓐⒶ ²³ ½ x²",
    "日本語の文章 中文 한국어 ไทยแลนด์ ภาษา", "हिन्दी में लेख தமிழ்", "العربية نصٌّ עִבְרִית", "Привет МИР ЁЛКА",
    "ᲐᲑᲒ აბგ Ა", "Ა Ⴀⴀ Ꭰꭰ ᏸᏰ", "𝐀𝐁 𝟘𝟙 𐐀𐐁 𐐨𐐩 🙂🙂 👩‍👩‍👧 ab🙂cd", "a\u200bb a\u200db a\u00a0b a\u3000b", "a\tb\nab\r\ncd\x00ef\x1fgh",
    "foo,bar;baz... http://x.yz/ab?c=de&f0=1", "K Å Ω ſs ﬁn", "٣٤ ೩೪ ๓๔ 𑁦𑁧 一二 ㊀㊁", "x" * 300 + " " + "Y" * 300,
    "\u0130\u03a3 \u03a3\u0130 A\u0130\u03a3", "\ufeffbom \ufffdrep", "the Cat and THE dog", "emptydoc",
]
analyze = CountVectorizer().build_analyzer()
bigrams = CountVectorizer(ngram_range=(1, 3), stop_words="english").build_analyzer()
golden = {
    "python": sys.version.split()[0], "unicode": unicodedata.unidata_version, "sklearn": sklearn_version,
    "every_code_point": f"{fnv:016x}",
    "texts": [{"text": t, "tokens": analyze(t), "ngrams": bigrams(t)} for t in texts],
}
out = root / "tests/golden/words"
out.mkdir(parents=True, exist_ok=True)
(out / "tokens.json").write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n")

assert len(ENGLISH_STOP_WORDS) == 318
(root / "share/stopwords/english").write_text("\n".join(sorted(ENGLISH_STOP_WORDS)) + "\n")
