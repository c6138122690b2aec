#!/usr/bin/env python3
"""Every component of a tokenizer.json, compared with Hugging Face tokenizers.

usage: components.py make                                 write tests/golden/components/
       components.py compare [TOKENIZE [--quick] [NAME]...]   feed hostile texts to the command and to the reference
       components.py real [TOKENIZE [--quick] [NAME]...]      the tokenizers of shared/data over every text of shared/data and those
       components.py list

A tiny tokenizer for every component and option (named below), over hostile texts: random strings of code points
that go wrong, every code point alone and between letters, the Unicode test files (Debian's unicode-data),
source code. Compared: ids, offsets, type ids, special masks, word numbers, decoded text. Needs tokenizers 0.23.
"""
import bz2
import glob
import gzip
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

import tokenizers
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer, Tokenizer

import wordpiece
from wordpiece import CODE_POINTS, added, bert_normalizer, template

HERE = os.path.dirname(os.path.abspath(__file__))
UNICODE = "/usr/share/unicode"

# --- The tiny tokenizers ---------------------------------------------------------------------------


def byte_alphabet():
    own = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    rest = [b for b in range(256) if b not in own]
    return [chr(b) for b in own] + [chr(256 + i) for i in range(len(rest))]


def vocabulary():
    chars = list(dict.fromkeys(byte_alphabet() + list("▁ \t\n") + [chr(c) for c in range(0x20, 0x250)] + list("éßſσςЖж中文字한국ア\u0301\u0323😀…—")))
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "##lo", "Ġhello", "▁hello"]
    tokens += chars + ["##" + c for c in chars] + ["<0x%02X>" % b for b in range(256)] + ["</w>", "a</w>", "|", " .", "n't", " do not"]
    return {t: i for i, t in enumerate(dict.fromkeys(tokens))}


VOCAB = vocabulary()
WORDPIECE = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 1000, "vocab": VOCAB}
SPECIALS = [added(i, t, special=True) for t, i in VOCAB.items() if i < 5]


def tiny(normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None, model=WORDPIECE, more=(), specials=SPECIALS):
    n = len(model["vocab"])
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": list(specials) + [added(n + i, **m) for i, m in enumerate(more)],
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": post_processor,
            "decoder": decoder, "model": model}


def sequence(key, *members):
    return {"type": "Sequence", key: list(members)}


BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
LOWER, SPLIT_SPACE, BERT_PRE = {"type": "Lowercase"}, {"type": "WhitespaceSplit"}, {"type": "BertPreTokenizer"}
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
            r"\s*[\r\n]+|\s+(?!\S)|\s+")
REGEXES = {
    "cl100k": CL100K, "o200k": O200K, "deepseek": DEEPSEEK, "deepseek-cjk": "[一-龥ࠀ-一가-퟿]+", "digits": r"\p{N}{1,3}",
    "phrase": r"\s+\S+|\n", "word": r"\w+", "word-in-class": r"[\w]+|\w", "words-and-others": r"\w+|[^\w\s]+", "not-word": r"\W+", "boundary": r"\b", "hex": r"\h+", "posix": "[[:alpha:]]+|[[:punct:]]",
    "lines": "^.|.$", "not-in-class": r"[^\S\n]+", "not-property-in-class": r"[\P{L}é]+", "not-not": r"[^\P{Lu}x]+", "interval-plus": r"(?:ab|\d){1,2}+",
    "interval-lazy": r"\p{L}{2}?", "possessive": r"\p{L}++|.?+", "case": r"(?i)Éa|k|'s", "nested": r"[a[bc]\d]+|[^x[^yz]]", "nested-not": r"[\P{L}[é]]+", "options": r"a(?i)b|c", "dot-all": r"(?m:a.b)|x.y",
    "look-behind": r"(?<=[a-z])(?=[A-Z])", "empty": "", "empty-or": "x*", "han": r"\p{Han}+|\p{Hiragana}+|\p{Katakana}|\p{Latin}", "mark": r"\p{M}+|\p{Mn}",
    "named": r"(?<a>\p{L})(?<b>\d)", "unicode": r"\u4e2d|\x{e9}|\x41|[\x{300}-\x{36f}]", "caret": r"\p{^L}+", "spaces": r" {2,}", "bloom": r" ?[^(\s|[.,!?…。，、।۔،])]+",
    "backslashes": r"\t|\n|\r|\v|\f|\\|\.|\-|\#|\!", "comment": r"a(?#comment)b", "newlines": r"\R", "anchors": r"\A.|.\z|.\Z", "ranges": r"[a-fA-F0-9\-_]+|[\]\[]",
    "braces": r"{x}|a{,2}b|{2", "atomic": r"(?>a+)b|(?>\s+)", "quotes": r"[’']\p{L}+",
}


def normalizers():
    replace = lambda pattern, content: {"type": "Replace", "pattern": pattern, "content": content}
    yield "lowercase", LOWER
    yield "strip-accents", {"type": "StripAccents"}
    yield "strip", {"type": "Strip", "strip_left": True, "strip_right": True}
    yield "strip-left", {"type": "Strip", "strip_left": True, "strip_right": False}
    yield "strip-right", {"type": "Strip", "strip_left": False, "strip_right": True}
    yield "replace", replace({"String": " "}, "▁")
    yield "replace-long", replace({"String": "a"}, "bcd")
    yield "replace-by-nothing", replace({"String": "a"}, "")
    yield "replace-regex", replace({"Regex": r"\s{2,}"}, " ")
    yield "replace-regex-class", replace({"Regex": r"[^\p{L}\s]+"}, "")
    yield "replace-quotes", sequence("normalizers", replace({"String": "``"}, '"'), replace({"String": "''"}, '"'), LOWER)
    yield "prepend", {"type": "Prepend", "prepend": "▁"}
    yield "prepend-long", {"type": "Prepend", "prepend": "ab"}
    yield "prepend-nothing", {"type": "Prepend", "prepend": ""}
    yield "replace-start", replace({"Regex": "^"}, "a")
    yield "byte-level", {"type": "ByteLevel"}
    yield "llama", sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁"))
    yield "bert-then", sequence("normalizers", bert_normalizer(), replace({"Regex": "[0-9]"}, "00"), {"type": "Strip", "strip_left": True, "strip_right": True})
    yield "then-bert", sequence("normalizers", replace({"Regex": "[0-9]+"}, "İé"), {"type": "Prepend", "prepend": "Éa "}, bert_normalizer())
    yield "nothing", sequence("normalizers")
    yield "nested", sequence("normalizers", sequence("normalizers", LOWER), {"type": "StripAccents"})


def pre_tokenizers():
    split = lambda pattern, behavior="Isolated", invert=False: {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}
    byte_level = lambda prefix=False, regex=True: {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}
    metaspace = lambda scheme, s: {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": s}
    yield "bert-pre", BERT_PRE
    yield "byte-level-pre", byte_level()
    yield "byte-level-prefix", byte_level(True)
    yield "byte-level-plain", byte_level(False, False)
    yield "byte-level-plain-prefix", byte_level(True, False)
    yield "whitespace", {"type": "Whitespace"}
    yield "whitespace-split", SPLIT_SPACE
    for scheme in ("always", "first", "never"):
        for s in (True, False):
            yield "metaspace-%s%s" % (scheme, "" if s else "-whole"), metaspace(scheme, s)
    yield "metaspace-legacy", {"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True}
    yield "metaspace-other", {"type": "Metaspace", "replacement": "x", "prepend_scheme": "always", "split": True}
    yield "digits", {"type": "Digits", "individual_digits": False}
    yield "digits-each", {"type": "Digits", "individual_digits": True}
    for b in BEHAVIORS:
        yield "punctuation-" + b, {"type": "Punctuation", "behavior": b}
        for invert in (False, True):
            yield "split-%s%s" % (b, "-inverted" if invert else ""), split({"String": "a"}, b, invert)
            yield "split-regex-%s%s" % (b, "-inverted" if invert else ""), split({"Regex": r"\s?[a-c]+|x"}, b, invert)
    yield "punctuation", {"type": "Punctuation"}
    for name, pattern in REGEXES.items():
        yield "regex-" + name, split({"Regex": pattern})
    yield "split-nothing", split({"String": ""}, "Removed")
    yield "scripts", {"type": "UnicodeScripts"}
    yield "delimiter", {"type": "CharDelimiterSplit", "delimiter": "-"}
    yield "length", {"type": "FixedLength", "length": 3}
    yield "t5", sequence("pretokenizers", SPLIT_SPACE, metaspace("always", True))
    yield "first-of-many", sequence("pretokenizers", SPLIT_SPACE, metaspace("first", True))
    yield "digits-bytes", sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level())
    yield "llama3", sequence("pretokenizers", split({"Regex": CL100K}), byte_level(False, False))
    yield "many", sequence("pretokenizers", {"type": "Whitespace"}, {"type": "Punctuation"}, sequence("pretokenizers", {"type": "Digits", "individual_digits": False}))
    yield "bytes-twice", sequence("pretokenizers", byte_level(True), byte_level(True))
    yield "meta-bytes", sequence("pretokenizers", metaspace("always", True), byte_level(True))


def post_processors():
    roberta = lambda trim, prefix: {"type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2], "trim_offsets": trim, "add_prefix_space": prefix}
    trim = lambda t, p: {"type": "ByteLevel", "add_prefix_space": p, "trim_offsets": t, "use_regex": True}
    bert = {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
    only = {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 4}}],
            "pair": [{"Sequence": {"id": "B", "type_id": 5}}, {"Sequence": {"id": "A", "type_id": 6}}], "special_tokens": {}}
    for t in (False, True):
        for p in (False, True):
            yield "roberta-%d%d" % (t, p), roberta(t, p)
            yield "trim-%d%d" % (t, p), trim(t, p)
    yield "post-bert", bert
    yield "post-template", template(VOCAB)
    yield "trim-template", sequence("processors", trim(True, False), template(VOCAB))
    yield "template-trim", sequence("processors", template(VOCAB), trim(True, True))
    yield "bert-trim", sequence("processors", bert, trim(True, True))
    yield "bert-template", sequence("processors", bert, template(VOCAB))
    yield "bert-only", sequence("processors", bert, only, bert)
    yield "roberta-bert", sequence("processors", roberta(True, True), bert)
    yield "only", only
    yield "no-processors", sequence("processors")


def decoders():
    replace = lambda pattern, content: {"type": "Replace", "pattern": pattern, "content": content}
    strip = lambda content, start, stop: {"type": "Strip", "content": content, "start": start, "stop": stop}
    yield "de-none", None
    yield "de-byte-level", {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    yield "de-wordpiece", {"type": "WordPiece", "prefix": "##", "cleanup": True}
    yield "de-wordpiece-raw", {"type": "WordPiece", "prefix": "##", "cleanup": False}
    for scheme in ("always", "first", "never"):
        yield "de-metaspace-" + scheme, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True}
    yield "de-bpe", {"type": "BPEDecoder", "suffix": "</w>"}
    yield "de-strip", strip("a", 2, 0)
    yield "de-fuse", {"type": "Fuse"}
    yield "de-bytes", {"type": "ByteFallback"}
    yield "de-replace", replace({"String": "a"}, "xyz")
    yield "de-replace-regex", replace({"Regex": r"[\p{L}\d]"}, "")
    yield "de-ctc", {"type": "CTC", "pad_token": "[PAD]", "word_delimiter_token": "|", "cleanup": True}
    yield "de-ctc-raw", {"type": "CTC", "pad_token": "[PAD]", "word_delimiter_token": "|", "cleanup": False}
    yield "de-ctc-nothing", {"type": "CTC", "pad_token": "", "word_delimiter_token": "", "cleanup": True}
    yield "de-llama", sequence("decoders", replace({"String": "▁"}, " "), {"type": "ByteFallback"}, {"type": "Fuse"}, strip(" ", 1, 0))
    yield "de-gpt", sequence("decoders", {"type": "ByteFallback"}, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True})
    yield "de-nothing", sequence("decoders")
    yield "de-fuse-strip", sequence("decoders", {"type": "Fuse"}, strip("a", 3, 2))


ADDED = [
    dict(content="<x>", lstrip=True), dict(content="<y>", rstrip=True), dict(content="<x><y>"), dict(content="word", single_word=True),
    dict(content="Été", normalized=True), dict(content="MiXed", normalized=True, single_word=True), dict(content="中", normalized=True),
    dict(content="[Day]", normalized=True, lstrip=True, rstrip=True, special=True), dict(content="  "), dict(content="!", special=True),
    dict(content="<x", normalized=True), dict(content="sept", lstrip=True, rstrip=True), dict(content="<z>", normalized=True, lstrip=True)]
# White space that others have taken in is found again: tokens overlap, or are empty.
BLANKS = [dict(content="<x>", rstrip=True), dict(content="  "), dict(content="\t", lstrip=True, rstrip=True), dict(content="<y>", rstrip=True, normalized=True),
          dict(content=" b", normalized=True), dict(content="\n", rstrip=True, normalized=True), dict(content="\u2028", lstrip=True, rstrip=True, normalized=True)]


def tinies():
    """Name to tokenizer.json."""
    out = {}
    for name, n in normalizers():
        out[name] = tiny(normalizer=n, pre_tokenizer=SPLIT_SPACE if "byte" not in name else None)
        out[name + "+added"] = tiny(normalizer=n, pre_tokenizer=None, more=ADDED)
    for name, p in pre_tokenizers():
        out[name] = tiny(pre_tokenizer=p)
    for name in ("byte-level-prefix", "metaspace-first", "metaspace-always", "t5", "digits-bytes", "regex-cl100k"):
        out[name + "+added"] = tiny(pre_tokenizer=dict(pre_tokenizers())[name], more=ADDED)
    for name in ("byte-level-prefix", "metaspace-first", "metaspace-always", "length", "bert-pre"):
        out[name + "+blanks"] = tiny(normalizer=LOWER, pre_tokenizer=dict(pre_tokenizers())[name], more=BLANKS)
    for name, p in post_processors():
        pre = dict(pre_tokenizers())["byte-level-prefix" if "1" in name else "byte-level-pre"]
        out[name] = tiny(pre_tokenizer=pre, post_processor=p, more=ADDED)
    for name, d in decoders():
        out[name] = tiny(pre_tokenizer=SPLIT_SPACE, decoder=d, more=ADDED)
    return out


# --- The texts -------------------------------------------------------------------------------------

def hostile(n):
    r = random.Random(7)
    extra = [list("abcx AB019'’.-_/\t\n\r"), list("▁Ġ Ċ\u00a0\u3000\u2028"), ["don't", "I'LL", "ab12", "  ", "\r\n", "\n\n", " x", "Straße", "K"],
             ["<x>", "<y>", "<z>", "word", "Été", "mixed", "[Day]", " ", "sept", "!"], list("中文アイ한국𠀀ーабвαβγ"),
             [chr(c) for c in (0x180E, 0x85, 0x1C, 0x200B, 0x2060, 0xFEFF, 0xA7DC, 0x1E4F0, 0x10D40, 0x16D6D, 0x1CC00, 0x897)],
             list("0123456789٠١٢²½Ⅷ")]
    plain = list(wordpiece.hostile_strings(n // 2))
    for text in plain:
        yield text
    for _ in range(n - len(plain)):
        some = r.sample(extra, r.randrange(1, 4))
        yield "".join(r.choice(r.choice(some)) for _ in range(r.randrange(1, 40)))


def unicode_texts():
    """The Unicode test files: what they are about, as text."""
    points = lambda field: "".join(chr(int(c, 16)) for c in field.split() if not 0xD800 <= int(c, 16) < 0xE000)
    if not os.path.isdir(UNICODE):
        print("%s is missing (Debian: unicode-data): its texts are left out" % UNICODE)
        return
    with bz2.open(UNICODE + "/NormalizationTest.txt.bz2", "rt", encoding="utf-8") as f:
        for line in f:
            if line[0] not in "#@\n":
                yield " ".join(dict.fromkeys(points(x) for x in line.split(";")[:5]))
    for path in sorted(glob.glob(UNICODE + "/auxiliary/*BreakTest.txt")):
        for line in open(path, encoding="utf-8"):
            if line[0] not in "#\n":
                yield points(" ".join(x for x in line.split("#")[0].split() if x not in "÷×"))
    for path in sorted(glob.glob(UNICODE + "/emoji/emoji-*.txt")):
        for line in open(path, encoding="utf-8"):
            if line[0] not in "#\n" and ".." not in line.split(";")[0]:
                yield points(line.split(";")[0])


def code_point_texts():
    """Every code point alone and between letters, many a text, so that none changes another's neighbours but by what it is."""
    for context in ("%s", "a%sb", " %s1"):
        for i in range(0, len(CODE_POINTS), 64):
            yield "\n".join(context % chr(c) for c in CODE_POINTS[i:i + 64])


def source_code():
    root = os.path.join(HERE, "../..")
    for path in sorted(glob.glob(root + "/lib/token/*.c") + glob.glob(root + "/tests/golden/*.py")):
        yield open(path, encoding="utf-8").read()


def all_texts(quick):
    texts = list(hostile(250 if quick else 10000)) + [text for _, text in wordpiece.TEXTS] + ["", "a" * 3000, " " * 3000]
    if quick:
        return texts
    return texts + list(unicode_texts()) + list(code_point_texts()) + list(source_code())


# --- Comparing -------------------------------------------------------------------------------------

FIELDS = ["ids", "tokens", "offsets", "type_ids", "special_mask", "word_ids"]


def run(args, records, rejects=False):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl") as f:
        for record in records:
            f.write(json.dumps(record, ensure_ascii=False) + "\n")
        f.flush()
        p = subprocess.Popen(args + [f.name], stdout=subprocess.PIPE)
        for line in p.stdout:
            yield json.loads(line)
        if p.wait() != int(rejects):
            sys.exit("%s ended with %d" % (" ".join(args), p.returncode))


class Report:
    def __init__(self, name):
        self.name, self.bad, self.n = name, 0, 0

    def check(self, what, ours, theirs):
        self.n += 1
        if ours == theirs:
            return
        self.bad += 1
        if self.bad <= 3:
            print("  %s differs: %r\n    ours   %s\n    theirs %s" % (self.name, what, ours, theirs))


def compare_encodings(report, command, path, t, texts, pairs, options=(), add_special=True):
    records = [{"text": a, **({"pair": b} if pairs else {})} for a, b in zip(texts, pairs or texts)]
    args = [command, "-m", path, *(["--pair-key", "pair"] if pairs else []), "--drop", "text,pair", "--fields", ",".join(FIELDS), *options]
    got = run(args, records)
    inputs = list(zip(texts, pairs)) if pairs else texts
    for i in range(0, len(inputs), 500):
        for text, want, ours in zip(inputs[i:i + 500], t.encode_batch(inputs[i:i + 500], add_special_tokens=add_special), got):
            theirs = {"ids": want.ids, "tokens": want.tokens, "offsets": [list(o) for o in want.offsets],
                      "type_ids": want.type_ids, "special_mask": want.special_tokens_mask, "word_ids": want.word_ids}
            for f in FIELDS:
                if ours[f] != theirs[f]:
                    report.check((f, text if len(text) < 200 else text[:60]), ours[f][:30], theirs[f][:30])
                    break
            else:
                report.n += 1
    if next(got, None) is not None:
        sys.exit("%s: too many records" % report.name)


def compare_decoding(report, command, path, t, n):
    r = random.Random(3)
    size = t.get_vocab_size()
    lists = [[r.randrange(size + 3) for _ in range(r.randrange(12))] for _ in range(n)]
    byte = [VOCAB["<0x%02X>" % b] for b in (0x41, 0xC3, 0xA9, 0xE4, 0xB8, 0xAD, 0xFF)] + [VOCAB[c] for c in "aĠéÃ©▁ "] + [0, 0, 2]
    lists += [[r.choice(byte) for _ in range(r.randrange(1, 12))] for _ in range(n)] + [[]]
    for skip in (False, True):
        args = [command, "-m", path, "--decode", "--drop", "ids"] + (["--skip-special-tokens"] if skip else [])
        for ids, ours in zip(lists, run(args, [{"ids": x} for x in lists])):
            try:
                theirs = t.decode(ids, skip_special_tokens=skip)
            except BaseException as e:      # Strip panics in Rust over a string that it uses up
                if type(e).__name__ != "PanicException":
                    raise
                continue
            report.check(("decode", ids), ours["text"], theirs)


CUTS = [dict(max_length=n, stride=s, strategy=how, direction=side)
        for n, s in ((4, 0), (5, 1), (8, 2), (9, 0)) for how in ("longest_first", "only_first", "only_second") for side in ("right", "left")]
PADS = [None, dict(length=12, direction="left"), dict(length=None, pad_to_multiple_of=8, direction="right"), dict(length=5, pad_to_multiple_of=3, direction="right")]


def compare_cutting(report, command, path, t, texts, quick):
    """Truncation with windows, and padding; the reference's overflowing encodings are further records."""
    r = random.Random(5)
    texts = [x for x in texts if len(x) < 60]
    for number, cut in enumerate(CUTS[::5] if quick else CUTS):
        for pairs in (False, True):
            if cut["strategy"] == "only_second" and not pairs or cut["max_length"] - t.num_special_tokens_to_add(pairs) <= cut["stride"]:
                continue
            pad = PADS[(number + pairs) % len(PADS)]
            t.enable_truncation(**cut)
            t.no_padding()
            if pad:
                t.enable_padding(pad_id=0, pad_token="[PAD]", **pad)
            inputs, theirs, refused = [], [], 0
            for _ in range(6 if quick else 60):
                one = (r.choice(texts), r.choice(texts)) if pairs else r.choice(texts)
                try:
                    e = t.encode(*one) if pairs else t.encode(one)
                except BaseException:       # too short to be cut, or a stride that is not below a window
                    e = None
                    refused += 1
                inputs.append({"text": one[0], "pair": one[1]} if pairs else {"text": one})
                for i, x in enumerate([e, *e.overflowing] if e is not None else []):
                    theirs.append([x.ids, [list(o) for o in x.offsets], x.type_ids, x.special_tokens_mask, x.word_ids, x.attention_mask, i])
            args = [command, "-m", path, "--drop", "text,pair", "--fields", "ids,offsets,type_ids,special_mask,word_ids,attention_mask",
                    "--max-length", str(cut["max_length"]), "--stride", str(cut["stride"]), "--truncation", cut["strategy"],
                    "--truncation-side", cut["direction"], "--rejects", os.devnull, *(["--pair-key", "pair"] if pairs else [])]
            if pad and pad["length"]:
                args += ["--pad-to", str(pad["length"])]
            if pad and pad.get("pad_to_multiple_of"):
                args += ["--pad-to-multiple-of", str(pad["pad_to_multiple_of"])]
            if pad:
                args += ["--padding-side", pad["direction"]]
            ours = [list(x.values()) for x in run(args, inputs, refused > 0)]
            report.check((cut, pad, "records"), len(ours), len(theirs))
            for a, b in zip(ours, theirs):
                report.check((cut, pad), a, b)
    t.no_truncation()
    t.no_padding()


def compare(command, quick, names):
    bad = 0
    texts = all_texts(quick)
    print("%d texts, tokenizers %s" % (len(texts), tokenizers.__version__), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, spec in tinies().items():
            if names and name not in names:
                continue
            path = os.path.join(folder, name + ".json")
            with open(path, "w", encoding="utf-8") as f:
                json.dump(spec, f, ensure_ascii=False)
            report = Report(name)
            t = Tokenizer.from_file(path)
            some = texts[::7] if name.startswith("de-") else texts
            compare_encodings(report, command, path, t, some, None)
            n = 80 if quick else 300
            compare_encodings(report, command, path, t, texts[:n], texts[n:2 * n])
            compare_encodings(report, command, path, t, texts[:n], texts[n:2 * n], ["--no-add-special-tokens"], False)
            errors = os.dup(2)      # where the reference tells of its panics
            with open(os.devnull, "w") as null:
                os.dup2(null.fileno(), 2)
            compare_decoding(report, command, path, t, n)
            if name in dict(post_processors()) or name == "bert-pre":
                compare_cutting(report, command, path, t, texts, quick)
            os.dup2(errors, 2)
            bad += report.bad
            if report.bad or not quick:
                print("%-32s %8d compared, %d differ" % (name, report.n, report.bad), flush=True)
    print("%d tokenizers, %d differ" % (len(names or tinies()), bad))
    return bad != 0


# --- Goldens ---------------------------------------------------------------------------------------

OUT = os.path.join(HERE, "components")
PAIRS = 40      # texts[i] with texts[i + 1]


def golden_texts():
    short = [x for x in hostile(400) if len(x) < 60][:150]
    return short + ["", " ", "  a", "a  ", "Hello, World! hello's 12.5 ab12", " <x> word  <y> Été mixed [Day] sept!", "<0xC3><0xA9> <0xE4> <0x41>",
                    "Ġhello ▁hello a</w> | [PAD] [PAD] n't do not", "e\u0301e\u0323\u0301 İ ß ﬁ", "中文アイ한국 Привет ελλ", "x" * 90, "\n\n\r\n\t x", "don't I'LL we've",
                    "é<x>   b  b\t \t<y> \n\n  b", "é<x>    word<y>    \u2028\u2028 b"]


def golden_hash(t, texts):
    """As tests/unit/test_components.c; None where the reference panics."""
    h = wordpiece.Hash()
    none = lambda words: [0xFFFFFFFF if w is None else w for w in words]

    def add(e):
        n = len(e.ids)
        numbers = [n, *e.ids, *[x for pair in e.offsets for x in pair], *e.type_ids, *e.special_tokens_mask, *none(e.word_ids)]
        h.bytes(struct.pack("<%dI" % len(numbers), *numbers))
    for text in texts:
        e = t.encode(text)
        add(e)
        for skip in (False, True):
            try:
                h.bytes(t.decode(e.ids, skip_special_tokens=skip).encode())
            except BaseException:
                return None
    for i in range(PAIRS):
        add(t.encode(texts[i], texts[i + 1]))
    return h.h


def make():
    os.makedirs(OUT, exist_ok=True)
    texts = golden_texts()
    for name, value in (("model", WORDPIECE), ("texts", texts)):
        with open(os.path.join(OUT, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, separators=(",", ":"))
    with open(os.path.join(OUT, "tokenizers.jsonl"), "w", encoding="utf-8") as f:
        for name, spec in tinies().items():
            h = golden_hash(Tokenizer.from_str(json.dumps(spec)), texts)
            if h is None:
                print("%s: the reference panics, left out" % name)
                continue
            parts = {k: v for k, v in spec.items() if k not in ("model", "version", "truncation", "padding")}
            f.write(json.dumps({"name": name, "hash": "%016x" % h, "parts": parts}, ensure_ascii=False, separators=(",", ":")) + "\n")


# --- Real tokenizers -------------------------------------------------------------------------------


def data_texts(quick):
    """Every string in every record of shared/data, once; quick: every twentieth."""
    seen = {}

    def walk(v):
        if isinstance(v, str):
            seen[v] = None
        elif isinstance(v, (list, dict)):
            for x in v.values() if isinstance(v, dict) else v:
                walk(x)
    for path in sorted(glob.glob(wordpiece.DATA + "/*/*.jsonl*")):
        with (gzip.open if path.endswith("gz") else open)(path, "rt", encoding="utf-8") as f:
            for i, line in enumerate(f):
                if not quick or i % 60 == 0:
                    walk(json.loads(line))
    return list(seen)


def real_tokenizers():
    """Name, path of ours, the reference, options of ours."""
    folder = wordpiece.DATA + "/tokenizers/"
    for name in ("bert-base-uncased", "all-MiniLM-L6-v2", "roberta-base", "phi-3", "t5-small"):
        yield name, folder + name, Tokenizer.from_file(folder + name + "/tokenizer.json"), ()
    yield "gpt2", folder + "gpt2", ByteLevelBPETokenizer(folder + "gpt2/vocab.json", folder + "gpt2/merges.txt")._tokenizer, ()
    cased = BertWordPieceTokenizer(folder + "bert-base-cased/vocab.txt", lowercase=False)._tokenizer
    yield "bert-base-cased", folder + "bert-base-cased", cased, ("--no-lowercase",)


def compare_real(command, quick, names):
    bad = 0
    texts = data_texts(quick) + all_texts(quick)
    print("%d texts, %.1f MB" % (len(texts), sum(len(x.encode()) for x in texts) / 1e6), flush=True)
    for name, path, t, options in real_tokenizers():
        if names and name not in names:
            continue
        t.no_truncation()
        t.no_padding()
        report = Report(name)
        compare_encodings(report, command, path, t, texts, None, options)
        n = 300 if quick else 3000
        compare_encodings(report, command, path, t, texts[:n], texts[-n:], options)
        bad += report.bad
        print("%-32s %8d compared, %d differ" % (name, report.n, report.bad), flush=True)
    return bad != 0


if __name__ == "__main__":
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    arguments = [a for a in sys.argv[2:] if a != "--quick"]
    if sys.argv[1:2] == ["make"]:
        make()
    elif sys.argv[1:2] == ["list"]:
        print("\n".join(tinies()))
    elif sys.argv[1:2] in (["compare"], ["real"]):
        sys.exit({"compare": compare, "real": compare_real}[sys.argv[1]](arguments[0] if arguments else "tokenize", "--quick" in sys.argv, arguments[1:]))
    else:
        sys.exit(__doc__)
