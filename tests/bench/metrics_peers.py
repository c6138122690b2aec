#!/usr/bin/env python3
"""evaluate beside sacrebleu, rouge-score, seqeval and scikit-learn, each a whole process from the same JSONL to a report, start-up
included, in one run. Prints seconds of wall time (the better of two) and of processor time, and the ratio of wall times; figures must
be equal. Real data where ../shared/data is, else texts made up here."""
import gzip
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time

EVALUATE = os.path.join(os.environ.get("HEDDLE_BIN", "bin"), "evaluate")
DATA = os.path.join(os.environ.get("HEDDLE_SRC", "."), "../shared/data")
READ = "import json,sys; R=[json.loads(l) for l in open(sys.argv[1])]; "
PEERS = {
    "corpus BLEU, 1,000 resamples": (
        ["--metric", "bleu", "--ci"], r"\"bleu\": ([0-9.]+)",
        READ + "from sacrebleu.metrics import BLEU; b=BLEU(); s=b.corpus_score([r['prediction'] for r in R],[[r['reference'] for r in R]],"
        "n_bootstrap=1000); print('\"bleu\": %r' % s.score)"),
    "ROUGE-1/2/L": (
        ["--metric", "rouge", "--stemmer"], r"\"rougeL\": ([0-9.]+)",
        READ + "from rouge_score import rouge_scorer; import numpy as np; s=rouge_scorer.RougeScorer(['rouge1','rouge2','rougeL'],"
        "use_stemmer=True); x=[s.score(r['reference'],r['prediction']) for r in R]; "
        "print('\"rougeL\": %r' % float(np.mean([i['rougeL'].fmeasure for i in x])))"),
    "seqeval": (
        ["--metric", "seqeval"], r"\"f1\": ([0-9.]+)",
        READ + "from seqeval.metrics import classification_report,f1_score; t=[r['reference'] for r in R]; p=[r['prediction'] for r in R]; "
        "classification_report(t,p); print('\"f1\": %r' % float(f1_score(t,p)))"),
    "classification report, 1,000,000 labels": (
        ["--metric", "classification"], r"\"f1_macro\": ([0-9.]+)",
        READ + "from sklearn.metrics import classification_report; d=classification_report([r['reference'] for r in R],"
        "[r['prediction'] for r in R],output_dict=True); print('\"f1_macro\": %r' % d['macro avg']['f1-score'])"),
}


def made_up(n, words, r):
    vocabulary = [f"w{int(r.paretovariate(0.7))}" for _ in range(5000)]
    for _ in range(n):
        text = [r.choice(vocabulary) for _ in range(words)]
        yield {"reference": " ".join(text), "prediction": " ".join(w if r.random() < 0.7 else r.choice(vocabulary) for w in text)}


def records(name):
    r = random.Random(1)
    wmt, xsum = os.path.join(DATA, "wmt17_en_de/test.jsonl"), os.path.join(DATA, "xsum_system_outputs/test.jsonl.gz")
    if "BLEU" in name:
        if os.path.exists(wmt):
            return [{"reference": x["reference"], "prediction": x["online-B"]} for x in map(json.loads, open(wmt))]
        return list(made_up(3000, 22, r))
    if "ROUGE" in name:
        if os.path.exists(xsum):
            return [{"reference": x["reference"], "prediction": x["topic-convs2s"]} for x in map(json.loads, gzip.open(xsum))]
        return list(made_up(11334, 22, r))
    if name == "seqeval":
        tags = ["O"] * 6 + [f"{p}-{t}" for t in ("PER", "LOC", "ORG", "MISC") for p in "BI"]
        out = []
        for _ in range(14000):
            t = [r.choice(tags) for _ in range(14)]
            out.append({"reference": t, "prediction": [x if r.random() < 0.9 else r.choice(tags) for x in t]})
        return out
    return [{"reference": t, "prediction": t if r.random() < 0.8 else r.randrange(20)} for t in (r.randrange(20) for _ in range(1000000))]


def run(command):
    best = None
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.time()
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        wall = time.time() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = (wall, cpu, out) if best is None or wall < best[0] else best
    return best


def main():
    for name, (options, pattern, code) in PEERS.items():
        if len(sys.argv) > 1 and sys.argv[1] not in name:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
            rows = records(name)
            for row in rows:
                f.write(json.dumps(row, ensure_ascii=False) + "\n")
            f.flush()
            wall, cpu, out = run([EVALUATE, *options, "--output-format", "json", f.name])
            peer_wall, peer_cpu, peer_out = run([sys.executable, "-c", code, f.name])
            ours, theirs = (float(re.search(pattern, x).group(1)) for x in (out, peer_out))
            print(f"{name}: {len(rows)} records, heddle {wall:.3f} s ({cpu:.3f} s cpu), peer {peer_wall:.2f} s ({peer_cpu:.2f} s cpu), "
                  f"ratio {peer_wall / wall:.1f}, cpu {peer_cpu / cpu:.1f}, figures {ours!r} and {theirs!r}", flush=True)


main()
