#!/usr/bin/env python3
"""Tokenizers of chance over texts of chance: the command beside Hugging Face tokenizers.

usage: random_tokenizers.py TOKENIZE FIRST LAST      seeds [FIRST, LAST)

A seed makes a tokenizer.json (any model, any nesting of components, added tokens that overlap), texts of the
same few words, pairs, truncation and padding. Compared: all that an encoding has, windows, ids alone (the fast
paths), decoded text. Left out is what the reference has no answer to: where it panics; added tokens that are the
same once normalized (chance decides there) or empty (it does not end); Prepend of nothing. Needs tokenizers 0.23.
"""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

from components import BEHAVIORS, added, byte_alphabet, sequence

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = ["a", "b", "c", "ab", "ba", "abc", "x", "A", "AB", "É", "é", "e\u0301", "1", "23", "４", ".", ",", "!", "'", "'s", "n't", "-", "_", "▁", "Ġ", "##", "</w>", "中", "文",
         "中文", "ア", "한", "ﬁ", "ß", "İ", "Σ", "ς", "\u0301", "\u00ad", "\u200b", "\u200d", "😀", "👩\u200d👧", "\ufeff", "\x00", "\x1c", "\x85", "\u00a0", "\u3000", "\u2028",
         "<", ">", "[", "]", "|", "<x>", "[CLS]", "[SEP]", "[MASK]", "Æ", "½", "²", "ª", "ǅ", "ÿ", "°", "ﷺ", "が", "か\u3099", "\u0bcb", "ै", "𝔘", "\U000e0041", "\u0378",
         "\ue000", "\u1e9e", "ŉ"]
SPACES = [" ", " ", " ", "  ", "\t", "\n", "\r\n", "   "]
REGEXES = [r"\s+", " ", "[a-c]+", r"\p{L}+", r"\d", r"\w+|[^\w\s]+", "(?i)A", "a|b", "[^a]", r"\s+$", r"^\s+", ".", r"\p{N}{1,3}", "'s|n't", "(?=b)", "a*", r"\b", r"[\p{P}\p{S}]",
           "(?<!a)b", r"\p{M}", "[[:punct:]]", r" ?[^\s\p{L}\p{N}]+", "\\n\\n|\\n", "^", "$", "x?", "(?<=a)", r"[^\w]+", r"\s+(?!\S)|\s+", r"\p{Lu}\p{Ll}*", r"(?:^|\s)a",
           r"\p{Han}|\p{Hiragana}", r"[^\r\n\p{L}\p{N}]?\p{L}+"]
LETTERS = [(0x20, 0x250), (0x300, 0x3000), (0x3000, 0xD800), (0xE000, 0x11000), (0x10000, 0x20000)]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
FIELDS = {"ids": "ids", "tokens": "tokens", "offsets": "offsets", "type_ids": "type_ids", "special_mask": "special_tokens_mask", "word_ids": "word_ids",
          "attention_mask": "attention_mask"}


def charsmaps():
    for path in glob.glob(os.environ.get("HEDDLE_DATA_DIR", "") + "/tokenizers/t5-small/tokenizer.json"):
        yield json.load(open(path, encoding="utf-8"))["normalizer"]["precompiled_charsmap"]


CHARSMAPS = list(charsmaps())


class Chance:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.words = self.r.sample(WORDS, self.r.randrange(4, 20)) + self.r.sample(["a", "b", "ab"], 2)
        self.templates = 0

    def one(self, *choices):
        return self.r.choice(choices)

    def maybe(self, p):
        return self.r.random() < p

    def flags(self, *names):
        return {name: self.maybe(.5) for name in names}

    def text(self, most):
        return "".join(self.one(*self.words) if self.maybe(.7) else self.one(*SPACES) if self.maybe(.8) else chr(self.r.randrange(*self.one(*LETTERS)))
                       for _ in range(self.r.randrange(most)))

    def word(self):
        return self.text(4) or self.one(*self.words)

    # --- Components: a table of kinds, each of which gives its members --------------------------------

    def component(self, kinds, key, depth):
        name = self.one(*kinds, "Sequence")
        if name == "Sequence":
            parts = [self.component(kinds, key, depth + 1) for _ in range(self.r.randrange(4 if depth < 2 else 1))]
            # the reference panics where a template gets what another one has made
            return sequence(key, *(x for x in parts if x["type"] != "TemplateProcessing" or self.templates < 2))
        return {"type": name, **kinds[name]()}

    def pattern(self):
        return {"String": self.one(*self.words, " ", "  ", "ab", "▁")} if self.maybe(.5) else {"Regex": self.one(*REGEXES)}

    def replace(self):
        return {"pattern": self.pattern(), "content": self.one("", " ", "▁", "a", "bb", "é")}

    def byte_level(self):
        return self.flags("add_prefix_space", "trim_offsets", "use_regex")

    def metaspace(self):
        return {"replacement": self.one("▁", "▁", "_", "a", "é"), "prepend_scheme": self.one("first", "never", "always"), **self.flags("split")}

    def normalizer(self):
        kinds = {"BertNormalizer": lambda: {"strip_accents": self.one(None, True, False), **self.flags("clean_text", "handle_chinese_chars", "lowercase")},
                 "Strip": lambda: self.flags("strip_left", "strip_right"), "Replace": self.replace, "Prepend": lambda: {"prepend": self.one("▁", " ", "ab", "é")}}
        kinds.update((name, dict) for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel"))
        if CHARSMAPS:
            kinds["Precompiled"] = lambda: {"precompiled_charsmap": CHARSMAPS[0]}
        return self.component(kinds, "normalizers", 0)

    def pre_tokenizer(self):
        kinds = {"ByteLevel": self.byte_level, "Metaspace": self.metaspace, "Digits": lambda: self.flags("individual_digits"),
                 "Punctuation": lambda: {"behavior": self.one(*BEHAVIORS)}, "Split": lambda: {"pattern": self.pattern(), "behavior": self.one(*BEHAVIORS), **self.flags("invert")},
                 "CharDelimiterSplit": lambda: {"delimiter": self.one("-", " ", "a", "中")}, "FixedLength": lambda: {"length": self.r.randrange(1, 6)}}
        kinds.update((name, dict) for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts"))
        return self.component(kinds, "pretokenizers", 0)

    def template(self, vocab):
        names, tokens = ["[CLS]", "[SEP]", "s", "A", "é"], list(vocab)
        self.templates += 1
        specials = {}
        for name in names:
            some = [self.one(*tokens) for _ in range(self.one(1, 1, 1, 2, 3, 0))]
            specials[name] = {"id": name, "ids": [vocab[t] for t in some], "tokens": some}

        def pieces(texts):
            out = [{"Sequence": {"id": x, "type_id": self.r.randrange(4)}} for x in texts]
            if self.maybe(.1):
                out.append(dict(self.one(*out)))
            if self.maybe(.2):
                out.reverse()
            for _ in range(self.r.randrange(4)):
                out.insert(self.r.randrange(len(out) + 1), {"SpecialToken": {"id": self.one(*names), "type_id": self.r.randrange(4)}})
            return out
        return {"single": pieces("A"), "pair": pieces("AB"), "special_tokens": specials}

    def post_processor(self, vocab):
        one = lambda: (lambda t: [t, vocab[t]])(self.one(*vocab))
        bert = lambda: {"sep": one(), "cls": one()}
        kinds = {"TemplateProcessing": lambda: self.template(vocab), "BertProcessing": bert, "ByteLevel": self.byte_level,
                 "RobertaProcessing": lambda: {**bert(), **self.flags("trim_offsets", "add_prefix_space")}}
        return self.component(kinds, "processors", 0)

    def decoder(self):
        kinds = {"ByteLevel": self.byte_level, "WordPiece": lambda: {"prefix": self.one("##", "", "a"), **self.flags("cleanup")}, "Metaspace": self.metaspace,
                 "BPEDecoder": lambda: {"suffix": self.one("</w>", "", "a")}, "Fuse": dict, "ByteFallback": dict, "Replace": self.replace,
                 "Strip": lambda: {"content": self.one(" ", "a", "▁"), "start": self.r.randrange(3), "stop": self.r.randrange(3)},
                 "CTC": lambda: {"pad_token": self.one("[PAD]", "a", ""), "word_delimiter_token": self.one("|", "b", ""), **self.flags("cleanup")}}
        return self.component(kinds, "decoders", 0)

    # --- Models -------------------------------------------------------------------------------------

    def ids(self, tokens, shuffle=True):
        tokens = list(dict.fromkeys(t for t in tokens if t))
        ids = list(range(len(tokens)))
        if shuffle and self.maybe(.3):
            self.r.shuffle(ids)
        return dict(zip(tokens, ids))

    def characters(self):
        chars = list(dict.fromkeys("".join(self.words) + "abcABC123 ▁_" + "".join(SPACES)))
        if self.maybe(.5):
            return list(dict.fromkeys(chars + byte_alphabet()))
        return self.r.sample(chars, len(chars) * 3 // 4) if self.maybe(.5) else chars

    def bpe(self, base, chars, fallback):
        prefix, suffix = (None, None) if fallback else (self.one(None, None, None, "##", ""), self.one(None, None, None, "</w>", ""))
        p, s = prefix or "", suffix or ""
        pool = list(dict.fromkeys(chars + [p + c for c in chars] + [c + s for c in chars] + [p + c + s for c in chars]))
        tokens, merges = dict.fromkeys(base + pool + fallback), []
        near = [t for t in pool if t in "".join(self.words) or t in " ab▁Ġ"] or pool
        for _ in range(self.r.randrange(60)):
            a, b = (self.one(*(near if self.maybe(.7) else pool)) for _ in range(2))
            new = a + b[len(p):]
            if (s and a.endswith(s)) or not b.startswith(p) or b == p or [a, b] in merges or len(new) > 20:
                continue
            merges.append([a, b])
            if new not in tokens:
                tokens[new] = None
                pool.append(new)
                near.append(new)
        if self.maybe(.3):
            tokens.update(dict.fromkeys(self.words + [self.word() for _ in range(5)]))
        lines = self.maybe(.3) and all(" " not in a + b for a, b in merges)
        return {"dropout": self.one(None, None, 0.0), "unk_token": self.one(None, "[UNK]", "[UNK]"), "continuing_subword_prefix": prefix, "end_of_word_suffix": suffix,
                "byte_fallback": bool(fallback), **self.flags("fuse_unk", "ignore_merges"), "vocab": self.ids(tokens, False),
                "merges": [" ".join(m) for m in merges] if lines else merges}

    def model(self):
        kind, chars, base = self.one("WordPiece", "BPE", "BPE", "BPE", "Unigram", "Unigram", "WordLevel"), self.characters(), SPECIALS + ["a", "b"]
        fallback = ["<0x%02X>" % b for b in range(256)] if self.maybe(.4) else []
        fallback = self.r.sample(fallback, 200) if fallback and self.maybe(.3) else fallback
        tokens = base + chars + self.words + [self.word() for _ in range(40)]
        if kind == "BPE":
            return {"type": kind, **self.bpe(base, chars, fallback)}
        if kind == "Unigram":
            score = lambda: self.one(0.0, -1.0, -2.5, -round(self.r.random() * 10, self.r.randrange(8)))
            return {"type": kind, "unk_id": self.one(1, 1, 0, None), "byte_fallback": bool(fallback), "vocab": [[t, score()] for t in dict.fromkeys(tokens + fallback) if t]}
        if kind == "WordLevel":
            return {"type": kind, "unk_token": "[UNK]", "vocab": self.ids(tokens)}
        prefix = self.one("##", "##", "", "@@", "é")
        return {"type": kind, "unk_token": self.one(*7 * ["[UNK]"], "none"), "continuing_subword_prefix": prefix, "max_input_chars_per_word": self.one(100, 100, 3, 1, 10, 0),
                "vocab": self.ids(tokens + [prefix + t for t in tokens[7:] if self.maybe(.8)])}

    def added_tokens(self, vocab):
        n, out = len(vocab), {}
        for t in [t for t in SPECIALS if self.maybe(.5)]:
            out[t] = dict(id=vocab[t], special=self.maybe(.9), normalized=self.maybe(.2), single_word=self.maybe(.1), lstrip=self.maybe(.2), rstrip=self.maybe(.2))
        for _ in range(self.one(0, 0, 1, 3, 6)):
            t = self.word() if self.maybe(.8) else self.one("<x>", "<x", "<x><x>", " a", "a b", "AB", "\n", "  ")
            if t not in out:
                n += t not in vocab
                out[t] = dict(id=vocab.get(t, n - 1), special=self.maybe(.3), **self.flags("normalized"), single_word=self.maybe(.3), lstrip=self.maybe(.4), rstrip=self.maybe(.4))
        return [added(x.pop("id"), t, **x) for t, x in out.items()]

    def tokenizer(self):
        """A tokenizer.json, and the ids of its tokens."""
        model = self.model()
        vocab = model["vocab"] if isinstance(model["vocab"], dict) else {t: i for i, (t, _) in enumerate(model["vocab"])}
        more = self.added_tokens(vocab)
        every = {**vocab, **{a["content"]: a["id"] for a in more}}
        part = lambda p, make: make() if self.maybe(p) else None
        return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": more, "normalizer": part(.6, self.normalizer), "pre_tokenizer": part(.8, self.pre_tokenizer),
                "post_processor": part(.7, lambda: self.post_processor(every)), "decoder": part(.8, self.decoder), "model": model}, every


# --- Comparing -------------------------------------------------------------------------------------

def run(args, records):
    """The records that come out, by the number of what went in."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl") as f:
        for i, record in enumerate(records):
            f.write(json.dumps({"i": i, **record}, ensure_ascii=False) + "\n")
        f.flush()
        p = subprocess.run(args + ["--rejects", os.devnull, f.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if p.returncode not in (0, 1):
        raise ValueError("exit %d: %s" % (p.returncode, p.stderr.decode(errors="replace")))
    out = {}
    for line in filter(None, p.stdout.decode().split("\n")):
        x = json.loads(line)
        out.setdefault(x.pop("i"), []).append(x)
    return out


def has_answer(spec, t):
    seen = set()
    for a in spec["added_tokens"]:
        pattern = t.normalizer.normalize_str(a["content"]) if a["normalized"] and t.normalizer else a["content"]
        if not pattern or (a["normalized"], pattern) in seen:
            return False
        seen.add((a["normalized"], pattern))
    return True


def attempt(f, *args, **options):
    """The result, or None; and whether the reference refused, which a panic is not."""
    try:
        return f(*args, **options), False
    except BaseException as e:
        return None, type(e).__name__ != "PanicException"


def shape(c, t, pairs, special, every):
    """Truncation and padding of the reference; the same as options."""
    args = []
    if c.maybe(.5):
        n, strategy = c.one(1, 2, 3, 4, 5, 8, 10, 16), c.one("longest_first", "only_first", *(["only_second"] if pairs else []))
        cut = dict(max_length=n, stride=c.one(0, 0, 1, 2, 3), strategy=strategy, direction=c.one("left", "right"))
        room = n - (t.num_special_tokens_to_add(pairs) if special else 0)
        if room > cut["stride"] and not attempt(t.enable_truncation, **cut)[1]:
            args += ["--max-length", str(n), "--stride", str(cut["stride"]), "--truncation", strategy, "--truncation-side", cut["direction"]]
        else:
            t.no_truncation()
    pad = dict(direction=c.one("left", "right"), pad_token="[PAD]", pad_id=every["[PAD]"], length=c.one(None, 3, 8, 20), pad_to_multiple_of=c.one(None, 2, 3, 8))
    if c.maybe(.4) and (pad["length"] or pad["pad_to_multiple_of"]):
        t.enable_padding(**pad)
        args += ["--padding-side", pad["direction"], "--pad-token", "[PAD]"]
        args += ["--pad-to", str(pad["length"])] if pad["length"] else []
        args += ["--pad-to-multiple-of", str(pad["pad_to_multiple_of"])] if pad["pad_to_multiple_of"] else []
    return args


def compare_encodings(c, command, t, every):
    pairs, special = c.maybe(.4), c.maybe(.7)
    texts = [(c.text(16), c.text(10))[:1 + pairs] for _ in range(30)] + [("", "")[:1 + pairs], (" ", "a")[:1 + pairs]]
    # a model that cannot spell a text ends the command
    texts = [x for x in texts if not any(attempt(t.encode, y, add_special_tokens=False)[1] for y in x)]
    args = command + ["--drop", "text,pair", *(["--pair-key", "pair"] if pairs else []), *([] if special else ["--no-add-special-tokens"]), *shape(c, t, pairs, special, every)]
    records = [dict(zip(("text", "pair"), x)) for x in texts]
    ours, ids = (run(args + ["--fields", fields], records) for fields in (",".join(FIELDS), "ids"))
    for i, text in enumerate(texts):
        e, refused = attempt(t.encode, *text, add_special_tokens=special)
        if e is None:
            if refused and i in ours:
                yield text, args, "not refused"
            continue
        all_of = [e, *e.overflowing] if "--stride" in args else [e]
        theirs = [{f: [list(x) if f == "offsets" else x for x in getattr(x, name)] for f, name in FIELDS.items()} for x in all_of]
        got = [{f: x[f] for f in FIELDS} for x in ours.get(i, [])]
        if got != theirs:
            yield text, args, [(f, a[f], b[f]) for a, b in zip(got, theirs) for f in FIELDS if a[f] != b[f]][:1] or (len(got), len(theirs))
        elif [x["ids"] for x in ids[i]] != [x["ids"] for x in theirs]:
            yield text, args, ("ids alone", [x["ids"] for x in ids[i]], [x["ids"] for x in theirs])


def compare_decoding(c, command, t, every):
    lists = [[c.r.randrange(max(every.values()) + 3) for _ in range(c.r.randrange(8))] for _ in range(20)]
    for skip in (False, True):
        ours = run(command + ["--decode", "--drop", "ids", *(["--skip-special-tokens"] if skip else [])], [{"ids": x} for x in lists])
        for i, ids in enumerate(lists):
            want, _ = attempt(t.decode, ids, skip_special_tokens=skip)
            if want is not None and ours[i][0]["text"] != want:
                yield [t.id_to_token(x) for x in ids], skip, (ours[i][0]["text"], want)


def compare(command, seed, path):
    c = Chance(seed)
    spec, every = c.tokenizer()
    with open(path, "w", encoding="utf-8") as f:
        json.dump(spec, f, ensure_ascii=False)
    t, _ = attempt(Tokenizer.from_file, path)
    if t is None or not has_answer(spec, t):
        return 0
    try:
        found = [*compare_encodings(c, [command, "-m", path], t, every), *compare_decoding(c, [command, "-m", path], t, every)]
    except ValueError as e:
        found = [e]
    if found:
        print("seed %d: %s" % (seed, json.dumps({k: v for k, v in spec.items() if k != "model"}, ensure_ascii=False)[:1500]))
        print("  %s" % {k: v for k, v in spec["model"].items() if k not in ("vocab", "merges")}, *found[:3], sep="\n  ", flush=True)
    return bool(found)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)     # where the reference tells of its panics
    with tempfile.TemporaryDirectory() as folder:
        seeds = range(int(sys.argv[2]), int(sys.argv[3]))
        bad = sum(compare(sys.argv[1], seed, folder + "/tokenizer.json") for seed in seeds)
    print("%d tokenizers, %d differ" % (len(seeds), bad))
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
