#!/usr/bin/env python3
"""Spearman's correlation of embed's cosines with the scores of STS-B's validation split: sts.py [EMBED-OPTION]..."""
import base64, json, os, subprocess, sys
import numpy as np

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def ranks(x):
    x = np.asarray(x)
    order = np.argsort(x, kind="stable")
    r = np.empty(len(x))
    r[order] = np.arange(len(x))
    for v in np.unique(x):  # ties get their mean rank
        r[x == v] = r[x == v].mean()
    return r


rows = [json.loads(line) for line in open(os.path.join(SRC, "../shared/data/stsb", os.environ.get("STSB", "validation") + ".jsonl"))]
texts = [r[k] for r in rows for k in ("sentence1", "sentence2")]
records = "".join(json.dumps({"text": t}) + "\n" for t in texts)
out = subprocess.run(["embed", "--encoding", "base64", *sys.argv[1:]], input=records.encode(), stdout=subprocess.PIPE, check=True).stdout
x = np.array([np.frombuffer(base64.b64decode(json.loads(line)["embedding"]), "<f4") for line in out.splitlines()], float)
x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
print(f"{np.corrcoef(ranks((x[0::2] * x[1::2]).sum(1)), ranks([r['score'] for r in rows]))[0, 1]:.4f}")
