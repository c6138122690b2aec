#!/usr/bin/env python3
"""Tokenizers trained by Hugging Face tokenizers, and a comparison of --train with them.

usage: train_tokenizer.py compare [TOKENIZE [--quick]]   train on texts of shared/data, with both, in many ways
       train_tokenizer.py make                           write tests/golden/train/

A tokenizer trained by us is taken over by the reference, as transformers' train_new_from_iterator does, and
trained anew on the same texts. WordPiece's ids of "##" characters and so its ties differ from run to run
in the reference (the order of a hash table): it is given them in our order, which is that of the words, as special
tokens, and so is BPE with a suffix. Unigram's scores of characters that are no piece of their own (a hash table's order too) are left out,
the others are to agree to 1e-9. Needs tokenizers 0.23; HEDDLE_DATA_DIR names shared/data.
"""
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

import tokenizers
from tokenizers import AddedToken, Tokenizer, pre_tokenizers, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "train")
DATA = os.environ.get("HEDDLE_DATA_DIR", os.path.join(HERE, "../../../shared/data"))
TOLERANCE = 1e-9        # of scores: both sum doubles, in other orders

TEXTS = ["low lower lowest", "new newer newest wide wider widest", "the théâtre in the street", "aaaa aaa aa a aaaaa", "abab ab ba abba baba",
         "don't, won't; can't!", "中文 字 中文字 文字", "1999 2024 199 19 9", "hug hugs pug pun bun puns hugging", "newnew lowlow  spaces   here", ""] * 3


def texts_of(name):
    out = []
    for path in sorted(glob.glob(DATA + "/" + name)):
        with (gzip.open if path.endswith("gz") else open)(path, "rt", encoding="utf-8") as f:
            out += [json.loads(line)["text"] for line in f]
    return out


def affix(model, name):
    return model.get(name) or None


def order_of_symbols(spec, words, alphabet, special, kind):
    """Special tokens, the alphabet, then tokens with a prefix or suffix as the words in order of their bytes have them."""
    prefix = affix(spec["model"], "continuing_subword_prefix") or ""
    suffix = (affix(spec["model"], "end_of_word_suffix") or "") if kind == "BPE" else ""
    chars = sorted({c for w in words for c in w} | set(alphabet))
    order = dict.fromkeys(special + chars)
    for w in sorted(words, key=lambda w: w.encode()):
        for i, c in enumerate(w):
            order[(prefix if i else "") + c + (suffix if i == len(w) - 1 else "")] = None
    return list(order)


def train(spec, texts, vocab_size, **options):
    """The tokenizer.json of the reference: the spec's parts, its special tokens, a new model."""
    spec = json.loads(json.dumps(spec))
    model, kind = spec["model"], spec["model"]["type"]
    special = [AddedToken(a["content"], single_word=a["single_word"], lstrip=a["lstrip"], rstrip=a["rstrip"], normalized=a["normalized"], special=True)
               for a in spec["added_tokens"]]
    spec["added_tokens"], spec["post_processor"] = [], None
    alphabet = set(options.pop("initial_alphabet", ()))
    if "ByteLevel" in json.dumps(spec["pre_tokenizer"]):
        alphabet |= set(pre_tokenizers.ByteLevel.alphabet())
    if kind == "Unigram":
        unknown = model["vocab"][model["unk_id"]][0]
        model["vocab"], model["unk_id"] = [[unknown, 0.0]], 0
        trainer = trainers.UnigramTrainer(vocab_size=vocab_size, show_progress=False, special_tokens=special, unk_token=unknown, initial_alphabet=list(alphabet), **options)
    else:
        model["vocab"] = {}
        if kind == "BPE":
            model["merges"] = []
        t = Tokenizer.from_str(json.dumps(spec))
        for name in ("continuing_subword_prefix", "end_of_word_suffix"):
            if affix(model, name):
                options[name] = model[name]
        if affix(model, "continuing_subword_prefix") or affix(model, "end_of_word_suffix"):
            words = set()
            for text in texts:
                text = t.normalizer.normalize_str(text) if t.normalizer else text
                words |= {w for w, _ in t.pre_tokenizer.pre_tokenize_str(text)} if t.pre_tokenizer else {text}
            known = [a.content for a in special]
            special += [x for x in order_of_symbols(spec, words - {""}, alphabet, known, kind) if x not in known]
        make_trainer = trainers.BpeTrainer if kind == "BPE" else trainers.WordPieceTrainer
        trainer = make_trainer(vocab_size=vocab_size, show_progress=False, special_tokens=special, initial_alphabet=list(alphabet), **options)
    t = Tokenizer.from_str(json.dumps(spec))
    t.train_from_iterator(texts, trainer)
    return json.loads(t.to_str())


def differences(ours, theirs, texts):
    """What differs between two models, as sentences."""
    a, b = ours["model"], theirs["model"]
    if a["type"] != "Unigram":
        x, y = sorted(a["vocab"], key=a["vocab"].get), sorted(b["vocab"], key=b["vocab"].get)
        out = [] if x == y else ["%d ids, the first %r" % (sum(p != q for p, q in zip(x, y)) + abs(len(x) - len(y)), next((z for z in zip(x, y) if z[0] != z[1]), None))]
        return out + ([] if a.get("merges") == b.get("merges") else ["merges"])
    x, y = dict(map(tuple, a["vocab"])), dict(map(tuple, b["vocab"]))
    out = ["%d pieces, for example %r" % (len(set(x) ^ set(y)), sorted(set(x) ^ set(y))[:4])] if set(x) != set(y) else []
    long = [[p for p, _ in v if len(p) > 1] for v in (a["vocab"], b["vocab"])]
    if not out and long[0] != long[1] and any(abs(x[p] - x[q]) > TOLERANCE for p, q in zip(*long)):
        out.append("order")
    # characters that are no piece: the lowest scores, in steps of 0.0001
    far = [(abs(x[p] - y[p]), p) for p in x if p in y and len(p) > 1]
    far += [(d, p) for p in x if p in y and len(p) == 1 and (d := abs(x[p] - y[p])) > 0.1]
    if far and max(far)[0] > TOLERANCE:
        out.append("scores by up to %g of %r" % max(far))
    return out


CASES = [
    ("bpe", dict(vocab_size=8000), []), ("bpe", dict(vocab_size=3000), ["--lowercase"]), ("wordpiece", dict(vocab_size=8000), []),
    ("wordpiece", dict(vocab_size=3000), ["--no-lowercase"]), ("unigram", dict(vocab_size=8000), []), ("unigram", dict(vocab_size=3000), ["--lowercase"]),
    ("bpe", dict(vocab_size=30000, min_frequency=3), []), ("wordpiece", dict(vocab_size=4000, min_frequency=20, initial_alphabet="αβγ"), []),
    ("bpe", dict(vocab_size=2000, initial_alphabet="éñ"), []), ("bpe", dict(vocab_size=6000, max_token_length=5), []), ("unigram", dict(vocab_size=1000, initial_alphabet="éñ€"), []),
]
OPTIONS = {"vocab_size": "--vocab-size", "min_frequency": "--min-frequency", "initial_alphabet": "--initial-alphabet", "max_token_length": "--max-token-length"}


def ours(command, kind, options, more, path):
    args = [command, "--train", kind, path, *more]
    for name, value in options.items():
        args += [OPTIONS[name], str(value)]
    return json.loads(subprocess.run(args, stdout=subprocess.PIPE, check=True).stdout)


def compare(command, quick):
    bad = 0
    corpora = {"small": TEXTS, "wikitext2": texts_of("wikitext2/*.jsonl*")}
    if not quick:
        corpora["abstracts"] = texts_of("acl_abstracts/*.jsonl*")[::10]
    print("tokenizers", tokenizers.__version__)
    for name, texts in corpora.items():
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl") as f:
            for text in texts:
                f.write(json.dumps({"text": text}) + "\n")
            f.flush()
            for kind, options, more in CASES if not quick else CASES[::2]:
                options = dict(options)
                if name == "small":
                    options["vocab_size"] = 400 if kind == "bpe" else 120
                mine = ours(command, kind, options, more, f.name)
                told = differences(mine, train(mine, texts, **options), texts)
                bad += bool(told)
                print("%-10s %-10s %s: %s" % (name, kind, " ".join(map(str, [*options.values(), *more])), "; ".join(told) or "equal"), flush=True)
    return bad != 0


# --- Goldens ---------------------------------------------------------------------------------------

def golden_specs():
    """Name, template, options, special tokens of the user's."""
    split, byte_level = {"type": "WhitespaceSplit"}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    llama = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    bert = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    token = lambda i, t: {"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}

    def spec(model, pre_tokenizer, normalizer=None, special=()):
        return {"version": "1.0", "added_tokens": [token(i, t) for i, t in enumerate(special)], "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "model": model}

    def bpe(prefix=None, suffix=None):
        return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": prefix, "end_of_word_suffix": suffix, "fuse_unk": False,
                "byte_fallback": False, "ignore_merges": False, "vocab": {}, "merges": []}
    wordpiece = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0}}
    unigram = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]], "byte_fallback": False}
    yield "bytes", spec(bpe(), byte_level), dict(vocab_size=330)
    yield "words", spec(bpe(), split), dict(vocab_size=90)
    yield "until nothing is left", spec(bpe(), split), dict(vocab_size=10000)
    yield "frequent pairs", spec(bpe(), split), dict(vocab_size=10000, min_frequency=7)
    yield "whole texts", spec(bpe(), None, llama, ["<unk>", "<s>"]), dict(vocab_size=150)
    yield "suffix", spec(bpe(suffix="</w>"), split), dict(vocab_size=120)
    yield "prefix", spec(bpe(prefix="@@"), split), dict(vocab_size=130)
    yield "few characters", spec(bpe(), split), dict(vocab_size=40, limit_alphabet=11)
    yield "short tokens", spec(bpe(), split), dict(vocab_size=200, max_token_length=4)
    yield "short tokens with a suffix", spec(bpe(suffix="</w>"), split), dict(vocab_size=200, max_token_length=3)
    yield "more characters", spec(bpe(), split), dict(vocab_size=100, initial_alphabet="éß中")
    yield "wordpiece", spec(wordpiece, {"type": "BertPreTokenizer"}, bert, ["[UNK]", "[CLS]"]), dict(vocab_size=150)
    yield "unigram", spec(unigram, metaspace, None, ["<unk>"]), dict(vocab_size=100)
    yield "unigram, unknown token not special", spec(unigram, metaspace), dict(vocab_size=130)
    yield "unigram, no room to prune", spec(unigram, split, None, ["<unk>", "<s>"]), dict(vocab_size=400)
    yield "unigram, more characters", spec(unigram, split, None, ["<unk>"]), dict(vocab_size=75, initial_alphabet="ßñ")


def make():
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "texts.json"), "w", encoding="utf-8") as f:
        json.dump(TEXTS, f, ensure_ascii=False)
    with open(os.path.join(OUT, "trained.jsonl"), "w", encoding="utf-8") as f:
        for name, spec, options in golden_specs():
            runs = [train(spec, TEXTS, **options)["model"] for _ in range(5)]
            out = {"name": name, "options": options}
            if spec["model"]["type"] == "Unigram":
                # what changes from run to run is left open
                pieces = [dict(map(tuple, r["vocab"])) for r in runs]
                same = lambda p: all(p in x and abs(x[p] - pieces[0][p]) < TOLERANCE for x in pieces)
                out["pieces"] = [[p, s if same(p) else None] for p, s in runs[0]["vocab"]]
            else:
                if any(r["vocab"] != runs[0]["vocab"] or r.get("merges") != runs[0].get("merges") for r in runs):
                    sys.exit("%s: the reference differs from itself" % name)
                out["tokens"] = sorted(runs[0]["vocab"], key=runs[0]["vocab"].get)
                if "merges" in runs[0]:
                    out["merges"] = runs[0]["merges"]
            f.write(json.dumps({**out, "template": spec}, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["compare"]:
        arguments = [a for a in sys.argv[2:] if a != "--quick"]
        sys.exit(compare(arguments[0] if arguments else "tokenize", "--quick" in sys.argv))
    elif sys.argv[1:2] == ["make"]:
        make()
    else:
        sys.exit(__doc__)
