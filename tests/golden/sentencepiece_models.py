#!/usr/bin/env python3
"""Writes tests/golden/sentencepiece: small models of every kind and flag, NAME.model, and what sentencepiece
0.2.3 makes of texts with them, cases.jsonl: {"model": NAME, "cases": [[text, ids, [begin, end, …], decoded], …]},
offsets in bytes.

The models are trained on a few sentences (deterministic: one thread); then types and scores of some
pieces are changed, for what the trainer does not make.

usage: sentencepiece_models.py [FOLDER]
"""
import io
import json
import os
import random
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb

SENTENCES = ["the cat sat on the mat", "a naïve café in the old town", "numbers 123 and 4567, signs (a+b)!",
             "the  cat   and the dog", "<mask> is not a word", "日本語の文章 です", "aaaa aaa aa a", "the theme of them all"] * 4
RULES = "2122\t54 4D\nFB01\t66 69\n9\t20\nA\t20\n3000\t20\n1\t\nFF21\t41\n65 301\tE9\nA0\t20\n"


def train(**options):
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write(RULES)
        rules.flush()
        if options.pop("rules", True):
            options["normalization_rule_tsv"] = rules.name
        else:
            options["normalization_rule_name"] = "identity"
        options.setdefault("vocab_size", 120)
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES), model_writer=out, num_threads=1, hard_vocab_limit=False,
            minloglevel=2, character_coverage=1.0, **options)
    m = pb.ModelProto()
    m.ParseFromString(out.getvalue())
    m.normalizer_spec.ClearField("normalization_rule_tsv")  # the temporary file's name
    return m


def models():
    for kind in "unigram", "bpe":
        # 256 byte pieces do not count as learned ones
        yield kind, train(model_type=kind)
        yield kind + "_bytes", train(model_type=kind, byte_fallback=True, vocab_size=376, rules=False)
        yield kind + "_llama", train(model_type=kind, byte_fallback=True, vocab_size=376, rules=False, split_digits=True,
                                     remove_extra_whitespaces=False, allow_whitespace_only_pieces=True)
        yield kind + "_suffix", train(model_type=kind, treat_whitespace_as_suffix=True)
        yield kind + "_spaces", train(model_type=kind, remove_extra_whitespaces=False, add_dummy_prefix=False,
                                      allow_whitespace_only_pieces=True, split_by_whitespace=False)
        yield kind + "_symbols", train(model_type=kind, user_defined_symbols=["<mask>", "the", "the cat", "▁", "é"],
                                       control_symbols=["<ctl>", "<x>"], pad_id=3, unk_surface="[?]")
        m = train(model_type=kind, remove_extra_whitespaces=False, rules=False)
        m.normalizer_spec.escape_whitespaces = False
        yield kind + "_plain", m
        m = train(model_type=kind, rules=False)
        r = random.Random(1)
        for p in m.pieces:  # unused pieces, and few different scores: ties
            if p.type == 1 and r.random() < 0.15:
                p.type = 5
            p.score = float(round(p.score))
        yield kind + "_unused", m


PARTS = ["the", "cat", " ", "  ", "a", "aa", "é", "e\u0301", "\u2122", "\ufb01", "\t", "\u3000", "\x01", "日本", "語", "☃", "😀", "<mask>",
         "<s>", "</s>", "<unk>", "<0x41>", "▁", "1", "23", "them", "all", ",", "!", "Ａ", "\u00a0", "<ctl>", "mat", "dog", "\u00e9"]


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "tests/golden/sentencepiece"
    r = random.Random(5)
    with open(os.path.join(folder, "cases.jsonl"), "w", encoding="utf-8") as f:
        for name, m in models():
            data = m.SerializeToString()
            with open(os.path.join(folder, name + ".model"), "wb") as out:
                out.write(data)
            p = sentencepiece.SentencePieceProcessor(model_proto=data)
            cases = []
            for _ in range(90):
                text = "".join(r.choice(PARTS) for _ in range(r.randrange(0, 16)))
                if r.random() < 0.05:
                    text *= 12
                ids = p.encode(text)
                pieces = p.encode(text, return_type="proto").pieces
                assert [x.id for x in pieces] == ids
                cases.append([text, ids, [x for q in pieces for x in (q.begin, q.end)], p.decode(ids)])
            f.write(json.dumps({"model": name, "cases": cases}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
