#!/usr/bin/env python3
"""tokenize beside Hugging Face tokenizers and gigatoken on acl_abstracts: texts into ids, one thread each.

usage: tokens.py     (needs tokenizers 0.23 and gigatoken; HEDDLE_DATA_DIR names shared/data)

All get the same texts in memory and give ids, nothing is printed: tokens.c calls the library as tokenize does,
Hugging Face gets an eighth of the texts by encode_batch_fast, gigatoken all by encode_batch. CPU time, the best of
its rounds, so that caches are warm; the first round is beside it. Then the command as a process of its own, from
JSONL to counts, with one thread and with two: user and system time, and by the clock. Ids are compared.
"""
import gzip
import hashlib
import json
import os
import resource
import subprocess
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "passive"
import tokenizers                                                       # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers      # noqa: E402

try:
    import gigatoken
except ImportError:
    gigatoken = None

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("HEDDLE_DATA_DIR", os.path.join(HERE, "../../../shared/data"))
BUILD = os.environ.get("HEDDLE_BUILD", os.path.join(HERE, "../../build"))
BIN = os.environ.get("HEDDLE_BIN", os.path.join(HERE, "../../bin"))
SHARE = 8


def timed(call, rounds):
    """Seconds of CPU of the first round and of the best."""
    took = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        took.append(time.process_time() - start)
    return took[0], min(took)


def commands(*variants):
    """For each command line user + system seconds and seconds by the clock, the best of ten in turns, and the output's hash."""
    best, hashes = [(1e9, 1e9)] * len(variants), [None] * len(variants)
    for _ in range(10):
        for i, args in enumerate(variants):
            before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            out = subprocess.run(args, check=True, stdout=subprocess.PIPE).stdout
            wall, after = time.monotonic() - clock, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best[i] = (min(best[i][0], cpu), min(best[i][1], wall))
            hashes[i] = hashlib.sha256(out).hexdigest()
    return best, hashes


def gpt2(path):
    """GPT-2's vocab.json and merges.txt as a tokenizer.json, for the peers."""
    folder = os.path.join(DATA, "tokenizers/gpt2")
    t = Tokenizer(models.BPE.from_file(folder + "/vocab.json", folder + "/merges.txt"))
    t.pre_tokenizer, t.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    t.add_special_tokens(["<|endoftext|>"])
    t.save(path)


def big(path):
    """A tokenizer of 128,000 tokens: GPT-2's, and more merges of its tokens."""
    d = json.load(open(path))
    vocab, merges = d["model"]["vocab"], d["model"]["merges"]
    tokens = [t for t in sorted(vocab, key=vocab.get) if t.isascii() and "<" not in t]
    i = 0
    while len(vocab) < 128000:
        a, b = tokens[i * 7919 % len(tokens)], tokens[(i * 104729 + i // len(tokens)) % len(tokens)]
        i += 1
        if a + b not in vocab:
            vocab[a + b] = len(vocab)
            merges.append([a, b])
    return json.dumps(d, ensure_ascii=False, indent=2)


def row(name, rate, base, more=""):
    print("  %-44s %8.1f MB/s %8.1f times HF   %s" % (name, rate, rate / base, more))


def compare(name, model, peer, texts, file, size):
    mb = size / 1e6
    sample = texts[::SHARE]
    part = sum(len(x.encode()) for x in sample) / 1e6
    t = Tokenizer.from_file(peer)
    t.no_truncation()
    t.no_padding()
    hf = part / timed(lambda: t.encode_batch_fast(sample, add_special_tokens=False), 2)[1]
    ours = json.loads(subprocess.run([os.path.join(BUILD, "tests/bench/tokens"), model, file], check=True, stdout=subprocess.PIPE).stdout)
    print("%s: opens in %.1f ms, %d tokens" % (name, ours["open_ms"], ours["tokens"]))
    row("Heddle", ours["best"], hf, "first round %.0f, two threads %.2f times one by the clock, %.2f by CPU time, ids the same: %s"
        % (ours["first"], ours["wall"][1] / ours["wall"][0], 2 * ours["two"] / ours["best"], ours["same"]))
    row("Hugging Face tokenizers " + tokenizers.__version__, hf, hf)
    if gigatoken and name in ("GPT-2", "Phi-3"):
        g, encoded = gigatoken.Tokenizer(peer), [x.encode() for x in texts]
        first, best = timed(lambda: g.encode_batch(encoded), 20)
        row("gigatoken", mb / best, hf, "first round %.0f" % (mb / first))
        if sum(len(x) for x in g.encode_batch(encoded)) != ours["tokens"]:
            print("  gigatoken's tokens are others")
    args = [os.path.join(BIN, "tokenize"), "-m", model, "--count", "--drop", "text", "--no-add-special-tokens", file]
    ((cpu, one), (_, two)), (a, b) = commands(args + ["--threads", "1"], args + ["--threads", "2"])
    row("tokenize --count, JSONL to counts, a process", mb / cpu, hf, "two threads %.2f times one by the clock, bytes the same: %s"
        % (one / two, a == b))


def main():
    with gzip.open(os.path.join(DATA, "acl_abstracts/acl_2016plus.jsonl.gz"), "rt", encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for line in f]
    size = sum(len(t.encode()) for t in texts)
    print("%d texts, %.1f MB" % (len(texts), size / 1e6))
    with tempfile.TemporaryDirectory() as folder:
        file, json_of_gpt2, large = folder + "/texts.jsonl", folder + "/gpt2.json", folder + "/large.json"
        with open(file, "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
        gpt2(json_of_gpt2)
        real = os.path.join(DATA, "tokenizers")
        for name, model, peer in [
                ("WordPiece (bert-base-uncased)", real + "/bert-base-uncased/tokenizer.json", None), ("GPT-2", real + "/gpt2", json_of_gpt2),
                ("Phi-3", real + "/phi-3/tokenizer.json", None), ("T5 (Unigram)", real + "/t5-small/tokenizer.json", None)]:
            compare(name, model, peer or model, texts, file, size)
        with open(large, "w", encoding="utf-8") as f:
            f.write(big(json_of_gpt2))
        open(folder + "/none.jsonl", "w").close()
        args = [os.path.join(BIN, "tokenize"), "-m", large, "--count", folder + "/none.jsonl"]
        print("128,000 tokens (%.1f MB of JSON): tokenize starts and ends in %.1f ms" %
              (os.path.getsize(large) / 1e6, 1e3 * commands(args)[0][0][1]))


if __name__ == "__main__":
    main()
