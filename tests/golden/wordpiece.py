#!/usr/bin/env python3
"""Goldens of the WordPiece tokenizers from Hugging Face tokenizers, and a comparison with it.

usage: wordpiece.py make [--no-hashes]  write tests/golden/wordpiece/
       wordpiece.py compare [TOKENIZE [CORPUS]...]  run the command on everything and compare with the reference

make writes tiny tokenizers of every configuration (*.json, vocab.txt), cases.jsonl (each a text and
all that the reference says of it) and hashes.tsv (a 64-bit hash of all that it says of a corpus in
shared/data, and of every code point).

compare feeds the corpora, every code point alone and between letters, the cases and 20,000 random
hostile strings to `tokenize`, token by token. Needs tokenizers 0.23; HEDDLE_DATA_DIR names shared/data.
"""
import gzip
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

import tokenizers
from tokenizers import BertWordPieceTokenizer, Tokenizer, normalizers

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "wordpiece")
DATA = os.environ.get("HEDDLE_DATA_DIR", os.path.join(HERE, "../../../shared/data"))
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
FIELDS = ["ids", "offsets", "type_ids", "special_mask", "word_ids"]

# --- The tiny tokenizers ---------------------------------------------------------------------------

WORDS = """hello world un ##aff ##able ##ing the token ##iz ##er naive cafe café é ##é ö i ##i ̇ i̇ 中 文 國
한 국 ᄒ ##ᅡ ##ᆫ σ ς ß ss ffi ½ 😀 ##😀 👍 don ' t ##' do not can ve ##\u0301 \u0301 \u20dd ##\u20dd \u0903 ##\u0903
e\u0301 ##e\u0301 Å \u212b å a\u030a İ stanbul word day été mixed 𠀀 × ÷ « » — … “ ” \u00b7 \u3002 \u0e33 ##\u0e33 ไ
supercalifragilisticexpialidocious sixteenletterwor ##dy fifteenletterwo ##r""".split()


def vocabulary():
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [chr(c) for c in range(33, 127)] + ["##" + chr(c) for c in range(33, 127) if chr(c).isalnum()]
    tokens += WORDS
    return {t: i for i, t in enumerate(dict.fromkeys(tokens))}


def bert_normalizer(**changes):
    return {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
            "strip_accents": None, "lowercase": True, **changes}


def added(i, content, **changes):
    return {"id": i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": False, **changes}


def template(vocab):
    text = lambda name, t: {"Sequence": {"id": name, "type_id": t}}
    token = lambda name, t: {"SpecialToken": {"id": name, "type_id": t}}
    return {"type": "TemplateProcessing",
            "single": [token("[CLS]", 0), text("A", 0), token("[SEP]", 0)],
            "pair": [token("[CLS]", 0), text("A", 0), token("[SEP]", 0), text("B", 1), token("[SEP]", 1)],
            "special_tokens": {t: {"id": t, "ids": [vocab[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}}


def tiny(**changes):
    vocab = vocabulary()
    specials = [added(i, t, special=True) for t, i in vocab.items() if i < 5]
    more = changes.pop("more", [])
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
             "max_input_chars_per_word": 100, "vocab": vocab, **changes.pop("model", {})}
    return {"version": "1.0", "truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst",
                                             "stride": 0},
            "padding": None, "added_tokens": specials + [added(len(vocab) + i, **m) for i, m in enumerate(more)],
            "normalizer": bert_normalizer(), "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": template(vocab), "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": model, **changes}


def tinies():
    vocab = vocabulary()
    odd = template(vocab)
    odd["single"] = odd["single"][::-1] + [{"Sequence": {"id": "A", "type_id": 7}}]
    odd["pair"] = [{"Sequence": {"id": "B", "type_id": 3}}, {"SpecialToken": {"id": "two", "type_id": 2}},
                   {"Sequence": {"id": "A", "type_id": 0}}]
    odd["special_tokens"]["two"] = {"id": "two", "ids": [4, 0], "tokens": ["[MASK]", "[PAD]"]}
    bert = {"type": "BertProcessing", "sep": ["[SEP]", vocab["[SEP]"]], "cls": ["[CLS]", vocab["[CLS]"]]}
    legacy = tiny()
    del legacy["model"]["type"]
    return {
        "uncased": tiny(),
        "cased": tiny(normalizer=bert_normalizer(lowercase=False)),
        "keep-accents": tiny(normalizer=bert_normalizer(strip_accents=False), post_processor=bert),
        "accents-only": tiny(normalizer=bert_normalizer(strip_accents=True, lowercase=False, clean_text=False,
                                                        handle_chinese_chars=False)),
        "dirty": tiny(normalizer=bert_normalizer(clean_text=False), decoder=None),
        "bare": tiny(normalizer=None, post_processor=None),
        "whole": tiny(pre_tokenizer=None, post_processor=odd,
                      decoder={"type": "WordPiece", "prefix": "##", "cleanup": False}),
        "long": tiny(model={"max_input_chars_per_word": 1000000000}),
        "short": tiny(model={"max_input_chars_per_word": 4, "continuing_subword_prefix": ""}),
        "legacy": legacy,
        "added": tiny(more=[
            dict(content="<x>", lstrip=True), dict(content="<y>", rstrip=True), dict(content="<x><y>"),
            dict(content="word", single_word=True), dict(content="Été", normalized=True),
            dict(content="MiXed", normalized=True, single_word=True), dict(content="中", normalized=True),
            dict(content="[Day]", normalized=True, lstrip=True, rstrip=True, special=True),
            dict(content="  "), dict(content="!", special=True), dict(content="sept", lstrip=True, rstrip=True)]),
    }


# --- The cases -------------------------------------------------------------------------------------

TEXTS = [
    ("empty text", ""), ("one space", " "), ("white space only", " \t\r\n \u3000\u00a0"),
    ("one letter", "a"), ("plain words", "Hello, world! The tokenizer is unaffable."),
    ("contractions", "don't do not I'm we've can't 's n't ve . ? ! , x"),
    ("special tokens in the text", "[CLS] a[SEP]b [MASK].[PAD]"), ("special tokens in small letters", "[cls] [sep]"),
    ("a mark behind a special token", "[SEP]\u0301x"), ("the unknown token spelled", "[UNK] xyz ☃"),
    ("continuing prefix in the text", "##ing ing## # # ##"),
    ("precomposed accents", "Café naïve ÉÀÜ ñ"), ("decomposed accents", "Cafe\u0301 nai\u0308ve"),
    ("a mark alone", "\u0301"), ("marks between words", "a \u0301 b\u0301 \u0301c"),
    ("marks that change places", "a\u0301\u0323b o\u0308\u0323 e\u0345\u0301\u0327 z"),
    ("marks that change places with parts of others", "\u00f6\u0323 \u1ed7\u0328x \u0344\u0323"),
    ("a mark that decomposes first", "\u0344x a\u0344"), ("40 pairs of marks", "a" + "\u0301\u0323" * 40 + "b"),
    ("spacing marks of a class that is not 0", "\u302e\u0301\u302f\u0323x \U0001d165\U0001d16d"),
    ("Tibetan vowels", "\u0f71\u0f72\u0f74\u0f80 \u0f73\u0f75\u0f81"),
    ("enclosing marks stay", "a\u20dd\u20e3 \u0488"), ("combining of Thai and Devanagari", "ไทย ำ क\u0903 हिन्दी"),
    ("capital I with a dot", "İstanbul I\u0307 İ"), ("final sigma", "ΣΑΣ Σ ς"), ("sharp s", "ß ẞ STRASSE"),
    ("ligatures stay", "ﬁ ﬃ ½ ①"), ("angstrom and ohm", "\u212b \u2126 \u00c5"),
    ("new letters of Unicode 15 to 17", "\ua7cb\ua7dc\U00010d50\U00016ea0"),
    ("a decomposition that the reference lacks", "\U00011938"),
    ("Hangul syllables", "한국어 각 힣"), ("Hangul jamo", "\u1112\u1161\u11ab \u1100\u1161\u11a8 \ud55c\u11a8"),
    ("ideographs", "中文x中國字"), ("ideographs of the extensions", "\u3400\U00020000\U0002a700\U0002b740\U0002b820\U0002ceb0\U00030000"),
    ("compatibility ideographs", "\uf900\ufa0e\U0002f800"), ("Japanese", "これはテスト、です。が\u3099"),
    ("emoji", "😀👍🏽 👨‍👩‍👧‍👦 🇩🇪 ☺️"), ("controls", "a\x01b\x7fc\x00d\x1ce"),
    ("vertical tab and form feed", "a\x0bb\x0cc\x85d"), ("format characters", "a\u200bb\u00adc\ufeffd\u2060e\u202ef"),
    ("private use", "a\ue000b\uf8ff \U000f0000 \U0010fffd"), ("unassigned", "a\u0378b \U0001fbff \U000e0080"),
    ("noncharacters and the replacement character", "a\ufffeb\uffffc\ufffdd"),
    ("spaces of all kinds", "a\u00a0b\u2003c\u2028d\u1680e\u205ff\u3000g\u180eh\u200bi"),
    ("punctuation of all kinds", "“a”—…«b»·c。d、e؟f\u2e52g\u037eh"), ("ASCII symbols", "$a+b=c<d>e^f`g|h~i"),
    ("symbols that are no punctuation", "a×b÷c€d°e√f"), ("an address", "http://a.b/c?d=e&f=%20#g"),
    ("digits", "1234567890 ١٢٣ ²"), ("a word of 15, 16, 17 letters", "fifteenletterwo fifteenletterwor sixteenletterword"),
    ("a long word", "Supercalifragilisticexpialidocious SUPERCALIFRAGILISTICEXPIALIDOCIOUSLY"),
    ("words of 100 and 101 letters", "a" * 100 + " " + "a" * 101 + " " + "é" * 100 + " " + "é" * 101),
    ("a word of 200 letters", "hello" * 40), ("16 letters then an accent", "sixteenletterwor\u0301dy sixteenletterworé"),
    ("a control at the 15th, 16th byte", "fifteenletterw\x01o fifteenletterwo\x01r"),
    ("added tokens", "<x> a <x>b  <y>  c <y>d <x><y> word words sword word.word _word wordé éword"),
    ("normalized added tokens", "été ÉTÉ e\u0301te\u0301 mixed MIXED mixedx [day] x [DAY]  y sept  [day]sept !"),
    ("added tokens at both ends", "  <x>  中 文 hello!"), ("added tokens one after another", "<x><x> <y> <y><x>  "),
    ("math", "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋"), ("mixed scripts", "Приветworld مرحبا שלום ελληνικά"),
]

PAIRS = [(a, b, n) for a, b in [("hello world", "the token"), ("", "a"), ("a", ""), ("a b c d e f g", "h i"),
         ("a b", "c d e f g h i"), ("a b c d e f g h i", "j k l m n o p q r"), ("unaffable " * 9, "é " * 9)]
         for n in (None, 3, 4, 5, 8, 11)]


def answer(t, text, pair, special, limit):
    t.no_padding()
    t.no_truncation()
    if limit:
        t.enable_truncation(limit)
    e = t.encode(text, pair, add_special_tokens=special)
    decoded, skipped = t.decode(e.ids, skip_special_tokens=False), t.decode(e.ids)
    return {"ids": e.ids, "offsets": e.offsets, "type_ids": e.type_ids, "special_mask": e.special_tokens_mask,
            "word_ids": e.word_ids, "decoded": decoded, **({"skipped": skipped} if skipped != decoded else {})}


def needed(t):
    """The least --max-length with special tokens."""
    return t.num_special_tokens_to_add(False), t.num_special_tokens_to_add(True)


def make_cases(of):
    for name, t in of.items():
        for what, text in TEXTS:
            a = answer(t, text, None, True, None)
            if name == "uncased" or len(text) > 99 or a["ids"] != answer(of["uncased"], text, None, True, None)["ids"]:
                yield {"tokenizer": name, "name": what, "text": text, "special": True, **a}
        if name not in ("uncased", "keep-accents", "whole", "added"):
            continue
        for a, b, n in PAIRS:
            for special in (True, False):
                if n and special and n < needed(t)[1]:
                    continue
                yield {"tokenizer": name, "name": "a pair", "text": a, "pair": b, "special": special,
                       **({"max_length": n} if n else {}), **answer(t, a, b, special, n)}
        for n in (1, 2, 3, 5, 100):
            for special in (True, False):
                text = "hello unaffable <x> [MASK] world. café"
                if not special or n >= needed(t)[0]:
                    yield {"tokenizer": name, "name": "truncated", "text": text, "special": special, "max_length": n,
                           **answer(t, text, None, special, n)}


# --- Hashes ----------------------------------------------------------------------------------------

class Hash:
    """h = (h + crc32 of (n, ids, starts and ends), all uint32 little-endian) * odd, a text at a time."""
    h = 0

    def bytes(self, b):
        self.h = (self.h + zlib.crc32(b) + 1) * 0x9E3779B97F4A7C15 % 2**64

    def add(self, ids, offsets):
        n = len(ids)
        self.bytes(struct.pack("<%dI" % (1 + 3 * n), n, *ids, *[x for pair in offsets for x in pair]))


def corpora():
    def lines(path):
        return (gzip.open if path.endswith("gz") else open)(os.path.join(DATA, path), "rt", encoding="utf-8", newline="\n")
    yield "acl_abstracts", [json.loads(l)["text"] for l in lines("acl_abstracts/acl_2016plus.jsonl.gz")]
    yield "wikitext2", [json.loads(l)["text"] for l in lines("wikitext2/test.jsonl")] + [lines("wikitext2/wiki.test.raw").read()]
    yield "wnut17", [" ".join(json.loads(l)["tokens"]) for f in ("train", "validation", "test")
                     for l in lines("wnut17/%s.jsonl" % f)]


def real():
    folder = os.path.join(DATA, "tokenizers")
    cased = os.path.join(folder, "bert-base-cased/vocab.txt")
    yield "bert-base-uncased", [], Tokenizer.from_file(folder + "/bert-base-uncased/tokenizer.json")
    yield "all-MiniLM-L6-v2", [], Tokenizer.from_file(folder + "/all-MiniLM-L6-v2/tokenizer.json")
    yield "bert-base-cased", ["--no-lowercase"], BertWordPieceTokenizer(cased, lowercase=False)._tokenizer
    yield "bert-base-cased", [], BertWordPieceTokenizer(cased)._tokenizer
    yield "bert-base-uncased/vocab.txt", [], BertWordPieceTokenizer(folder + "/bert-base-uncased/vocab.txt")._tokenizer


CONTEXTS = ["%s", "a%sb", "e%s\u0301\u0323\u0327f", "\u1112%s\u11ab"]
NORMALIZERS = [dict(), dict(lowercase=False), dict(strip_accents=False), dict(clean_text=False, handle_chinese_chars=False),
               dict(clean_text=False, handle_chinese_chars=False, lowercase=False, strip_accents=True)]


def make_hashes():
    for i, options in enumerate(NORMALIZERS):
        n = normalizers.BertNormalizer(**options)
        h = Hash()
        for context in CONTEXTS:
            for c in CODE_POINTS:
                h.bytes(n.normalize_str(context % chr(c)).encode())
        yield "normalizer", str(i), h.h
    for name in ("uncased", "bare", "whole"):
        t = Tokenizer.from_file(os.path.join(OUT, name + ".json"))
        t.no_truncation()
        h = Hash()
        for context in CONTEXTS[:2]:
            for c in CODE_POINTS:
                e = t.encode(context % chr(c))
                h.add(e.ids, e.offsets)
        yield name, "code points", h.h
    all_texts = dict(corpora())
    for name, options, t in real():
        if name.endswith(".txt") or name == "all-MiniLM-L6-v2":
            continue
        t.no_truncation()
        t.no_padding()
        for corpus, texts in all_texts.items():
            h = Hash()
            for i in range(0, len(texts), 1000):
                for e in t.encode_batch(texts[i:i + 1000]):
                    h.add(e.ids, e.offsets)
            yield " ".join([name] + options), corpus, h.h


def make(hashes):
    os.makedirs(OUT, exist_ok=True)
    for name, t in tinies().items():
        with open(os.path.join(OUT, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(t, f, ensure_ascii=False, separators=(",", ":"))
    with open(os.path.join(OUT, "vocab.txt"), "w", encoding="utf-8") as f:
        f.writelines(t + "\n" for t in vocabulary())
    of = {name: Tokenizer.from_file(os.path.join(OUT, name + ".json")) for name in tinies()}
    with open(os.path.join(OUT, "cases.jsonl"), "w", encoding="utf-8") as f:
        for case in make_cases(of):
            f.write(json.dumps(case, ensure_ascii=False, separators=(",", ":")) + "\n")
    if not hashes:
        return
    with open(os.path.join(OUT, "hashes.tsv"), "w", encoding="utf-8") as f:
        f.write("# wordpiece.py make, tokenizers %s: tokenizer, corpus, hash\n" % tokenizers.__version__)
        for row in make_hashes():
            f.write("%s\t%s\t%016x\n" % row)
            f.flush()


# --- Comparing -------------------------------------------------------------------------------------

def run(command, model, options, texts, pairs=None):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl") as f:
        for i, text in enumerate(texts):
            record = {"text": text, **({"pair": pairs[i]} if pairs else {})}
            f.write(json.dumps(record, ensure_ascii=False) + "\n")
        f.flush()
        args = [command, "-m", model, *(["--pair-key", "pair"] if pairs else []), "--drop", "text,pair", "--fields", ",".join(FIELDS), *options, f.name]
        p = subprocess.Popen(args, stdout=subprocess.PIPE)
        for line in p.stdout:
            yield json.loads(line)
        if p.wait():
            sys.exit("%s ended with %d" % (" ".join(args), p.returncode))


def hostile_strings(n):
    r = random.Random(1)
    block = lambda a, b: [chr(c) for c in range(a, b)]
    pools = [block(32, 127), list(" .,'-[]#<>!"), block(0x300, 0x370), block(0xA0, 0x250), block(0x1E00, 0x2100),
             block(0x4E00, 0x4F00), block(0xAC00, 0xAC40) + block(0x1100, 0x1200), block(0x900, 0xA00), block(0x5D0, 0x700),
             block(0xF00, 0x1000), block(0x1D100, 0x1D1F0), block(0, 32) + list("\x7f\x85\xad\u200b\u200d\ufeff\ufffd"),
             ["[SEP]", "[MASK]", "<x>", "<y>", "word", "été", "Mixed", "[Day]", "  ", "hello"],
             [chr(r.choice(CODE_POINTS)) for _ in range(3000)]]
    for _ in range(n):
        some = r.sample(pools, r.randrange(1, 5))
        yield "".join(r.choice(r.choice(some)) for _ in range(r.randrange(1, 60)))


def compare_texts(command, label, model, options, t, texts, pairs=None):
    t.no_truncation()
    t.no_padding()
    got = run(command, model, options, texts, pairs)
    bad = n = tokens = 0
    for i in range(0, len(texts), 1000):
        batch = texts[i:i + 1000]
        batch = list(zip(batch, pairs[i:i + 1000])) if pairs else batch
        for want, ours in zip(t.encode_batch(batch), got):
            n += 1
            tokens += len(want.ids)
            theirs = [want.ids, [list(o) for o in want.offsets], want.type_ids, want.special_tokens_mask, want.word_ids]
            if [ours[f] for f in FIELDS] != theirs:
                bad += 1
                if bad <= 3:
                    print("  differs: %r\n    ours   %s\n    theirs %s" % (texts[n - 1][:80], [ours[f][:12] for f in FIELDS],
                                                                          [x[:12] for x in theirs]))
    if n != len(texts) or next(got, None) is not None:
        sys.exit("%s: another number of records" % label)
    print("%-60s %8d texts %9d tokens %d differ" % (label, n, tokens, bad), flush=True)
    return bad


def compare(command, parts):
    """parts: names of corpora, "hostile" among them; none is all."""
    bad = 0
    folder = os.path.join(DATA, "tokenizers")
    huge = ["a" * 1000000, "é" * 1000000, "中" * 300000, "\u0301" * 500000, "a\u0301\u0323" * 200000, "x." * 300000, "😀" * 250000]
    alone = [chr(c) for c in CODE_POINTS]
    within = ["a%sb" % chr(c) for c in CODE_POINTS]
    everything = dict(corpora())
    everything.update({"code points alone": alone, "code points between letters": within, "words of 1 MB": huge})
    for name, options, t in real():
        for corpus, texts in everything.items():
            if (parts and corpus not in parts) or (name.endswith("txt") and corpus == "acl_abstracts"):
                continue
            bad += compare_texts(command, " ".join([name, *options, corpus]), os.path.join(folder, name), options, t, texts)
    texts = list(hostile_strings(20000)) + [text for _, text in TEXTS]
    for name in tinies() if not parts or "hostile" in parts else []:
        path = os.path.join(OUT, name + ".json")
        bad += compare_texts(command, name + " hostile", path, [], Tokenizer.from_file(path), texts)
        bad += compare_texts(command, name + " hostile pairs", path, [], Tokenizer.from_file(path), texts[:4000], texts[-4000:])
    print("%d differ" % bad)
    return bad != 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make("--no-hashes" not in sys.argv)
    elif sys.argv[1:2] == ["compare"]:
        sys.exit(compare(sys.argv[2] if sys.argv[2:] else "tokenize", sys.argv[3:]))
    else:
        sys.exit(__doc__)
