#!/usr/bin/env python3
"""Writes tests/golden/normal/forms.txt: hashes of what Hugging Face tokenizers 0.23.3 normalizes to.

For each form and each block of code points (of the planes that have any mappings) one text: each before and between
letters and marks, a line each. Then 20,000 random strings of marks, letters with marks, Hangul and
Indic vowels. The hash is SHA-256 over the normalized text and, for each of its code points,
which code points of the text it is from, as two little-endian uint32.

usage: normal.py [FILE]     (tests/unit/test_normal.c makes the same texts)
"""
import hashlib
import struct
import sys

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

BLOCK = 0x800
# behind the first two planes there are only ideographs for compatibility
BLOCKS = [*range(0, 0x20000, BLOCK), 0x20000, 0x2F800, 0xE0000, 0x10F800]
POOL = [(0xC0, 0x24F), (0x300, 0x36F), (0x300, 0x345), (0x384, 0x3CE), (0x5B0, 0x5C7), (0x900, 0x9FF), (0xB3E, 0xB57),
        (0xDCA, 0xDDF), (0x1100, 0x1112), (0x1161, 0x1175), (0x11A7, 0x11C2), (0xAC00, 0xAC38), (0x1E00, 0x1EFF),
        (0x3046, 0x309A), (0x3099, 0x309A), (0xFB1D, 0xFB4F), (0xFDFA, 0xFDFB), (0x61, 0x7A), (0x110A0, 0x110BA),
        (0x11930, 0x11938), (0x1D15E, 0x1D169), (0x2F800, 0x2F820)]


def block(first):
    return "".join(chr(c) + "a" + chr(c) + "\u0301" + chr(c) + "\u0327\u0323" + chr(c) + "\u1161\u11a8\n"
                   for c in range(first, first + BLOCK) if not 0xD800 <= c < 0xE000)


def random_text():
    state, out = 1, []
    def draw(n):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % n
    for _ in range(20000):
        for _ in range(1 + draw(7)):
            first, last = POOL[draw(len(POOL))]
            out.append(chr(first + draw(last - first + 1)))
        out.append("\n")
    return "".join(out)


def main():
    texts = [block(first) for first in BLOCKS] + [random_text()]
    with open(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/normal/forms.txt", "w", encoding="ascii") as f:
        for form in normalizers.NFD(), normalizers.NFKD(), normalizers.NFC(), normalizers.NFKC():
            t = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
            t.normalizer = form
            t.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
            for text in texts:
                to = form.normalize_str(text).encode()
                offsets = t.encode(text).offsets
                assert len(offsets) == len(to.decode())
                h = hashlib.sha256(to + b"".join(struct.pack("<II", *o) for o in offsets))
                f.write(h.hexdigest()[:16] + "\n")


if __name__ == "__main__":
    main()
