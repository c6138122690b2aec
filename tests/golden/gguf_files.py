#!/usr/bin/env python3
"""Writes tests/golden/gguf: small GGUF files of every kind of vocabulary (gguf-py 0.19.0), and the ids that
the tokenizers they were made from give, cases.jsonl: {"file": NAME, "cases": [[text, ids], …]}.

llama and t5 come from tests/golden/sentencepiece (ids of sentencepiece 0.2.3), gpt2 from a BPE trained
here, with a pre-tokenizer of each name, bert from a few words (ids of tokenizers 0.23.3).

usage: gguf_files.py [FOLDER]
"""
import json
import os
import sys

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = ["the cat sat on the mat", "it's 12345 naïve cafés, isn't IT?", "don't DON'T\n\n  def f(x):\n\treturn x", "日本語 ☃ 😀 x",
         "HelloWorld McDonald's 1234567", "a\r\n b  \n c   ", "$100 + 3 = <tag> ~^|", "aaa aaaa"] * 3
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = r"[^\r\n\p{L}\p{N}]?" + UPPER + "*" + LOWER + r"+%s|[^\r\n\p{L}\p{N}]?" + UPPER + "+" + LOWER + r"*%s|\p{N}%s" + REST
FOLD = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
PRES = {"gpt-2": None, "smollm": None, "llama-bpe": [LLAMA3], "qwen2": [LLAMA3.replace("{1,3}", "")],
        "gpt-4o": [CASED % (FOLD, FOLD, "{1,3}")], "tekken": [CASED % ("", "", "")],
        "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"]}


def write(path, arch, fields):
    w = gguf.GGUFWriter(path, arch)
    for key, (kind, value) in fields.items():
        getattr(w, "add_" + kind)("tokenizer.ggml." + key, value)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def from_sentencepiece(folder, name, model):
    data = open(os.path.join(HERE, "sentencepiece", model + ".model"), "rb").read()
    m = pb.ModelProto()
    m.ParseFromString(data)
    fields = {"model": ("string", name), "tokens": ("array", [p.piece for p in m.pieces]),
              "scores": ("array", [float(p.score) for p in m.pieces]), "token_type": ("array", [int(p.type) for p in m.pieces]),
              "add_space_prefix": ("bool", m.normalizer_spec.add_dummy_prefix), "bos_token_id": ("uint32", 1),
              "eos_token_id": ("uint32", 2), "unknown_token_id": ("uint32", 0),
              "remove_extra_whitespaces": ("bool", m.normalizer_spec.remove_extra_whitespaces)}
    if m.normalizer_spec.precompiled_charsmap:
        fields["precompiled_charsmap"] = ("array", m.normalizer_spec.precompiled_charsmap)
    write(os.path.join(folder, name + ".gguf"), name, fields)
    p = sentencepiece.SentencePieceProcessor(model_proto=data)
    # llama.cpp begins with bos, ends T5's with eos, unless the file says otherwise
    return [[t, ([1] if name == "llama" else []) + p.encode(t) + ([2] if name == "t5" else [])] for t in TEXTS[:8]]


def byte_level(folder, pre):
    t = Tokenizer(models.BPE(ignore_merges=pre in ("llama-bpe", "tekken")))
    steps = {"smollm": [pre_tokenizers.Digits(True)]}.get(pre, [])
    steps += [pre_tokenizers.Split(Regex(r), "isolated") for r in PRES[pre] or []]
    t.pre_tokenizer = pre_tokenizers.Sequence(
        steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=PRES[pre] is None)])
    t.train_from_iterator(TEXTS, trainers.BpeTrainer(
        vocab_size=330, special_tokens=["<|end|>", "<|im|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    m = json.loads(t.to_str())["model"]
    tokens = [x for x, _ in sorted(m["vocab"].items(), key=lambda x: x[1])]
    bos = pre in ("llama-bpe", "tekken")
    write(os.path.join(folder, pre + ".gguf"), "llama", {
        "model": ("string", "gpt2"), "pre": ("string", pre), "tokens": ("array", tokens),
        "token_type": ("array", [3, 3] + [1] * (len(tokens) - 2)),
        "merges": ("array", [x if isinstance(x, str) else " ".join(x) for x in m["merges"]]), "bos_token_id": ("uint32", 0)})
    return [[x, ([0] if bos else []) + t.encode(x).ids] for x in TEXTS[:8] + ["<|im|>user <|end|> x"]]


def wordpiece(folder):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "s", "##s", "##at", "mat", "on", "c", "##af", "##es", "it", "'",
             "isn", "t", "a", "##aa", "##a", ",", "?", "12", "##3", "##45", "naive", "日", "x", "$", "hello", "##world"]
    t = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    phantom = [w if w[0] == "[" else w[2:] if w.startswith("##") else "\u2581" + w for w in words]
    write(os.path.join(folder, "bert.gguf"), "bert", {
        "model": ("string", "bert"), "tokens": ("array", phantom), "token_type": ("array", [3] * 5 + [1] * (len(words) - 5))})
    return [[x, t.encode(x).ids] for x in TEXTS[:8]]


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "gguf")
    with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as f:
        rows = {"llama": from_sentencepiece(folder, "llama", "bpe_llama"), "t5": from_sentencepiece(folder, "t5", "unigram"),
                "bert": wordpiece(folder), **{pre: byte_level(folder, pre) for pre in PRES}}
        for name, cases in rows.items():
            f.write(json.dumps({"file": name + ".gguf", "cases": cases}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
