#!/usr/bin/env python3
"""embed beside sentence-transformers and ONNX Runtime, on the same abstracts with all-MiniLM-L6-v2, one after the other.

    embed.py [N [THREADS]]      by default 1000 and 2

Prints documents a second by wall time and by CPU time (on a machine that does other things too, the second tells), start-up
of Python and loading of its models left out, that of embed included; then the ratios. Marks: 1.9 times sentence-transformers,
1.3 times ONNX Runtime. The ONNX model is exported here with torch.onnx and gets batches of 32 sorted by length, as
sentence-transformers makes them.
"""
import gzip, itertools, json, os, resource, subprocess, sys, tempfile, time
os.environ.setdefault("HF_HUB_OFFLINE", "1")
SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = os.environ.get("HEDDLE_MINILM", os.path.join(os.environ.get("HEDDLE_BUILD", SRC + "/build"), "models/all-MiniLM-L6-v2"))
N = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 2

with gzip.open(os.path.join(SRC, "../shared/data/acl_abstracts/acl_2016plus.jsonl.gz"), "rt") as f:
    lines = list(itertools.islice(f, N))
texts = [json.loads(line)["text"] for line in lines]
results = {}


def timed(name, fn, who=resource.RUSAGE_SELF):
    before, start = resource.getrusage(who), time.perf_counter()
    fn()
    wall, after = time.perf_counter() - start, resource.getrusage(who)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    results[name] = (wall, cpu)
    print(f"{name:24s} {N / wall:8.1f} documents/s   {N / cpu:8.1f} a CPU second", flush=True)


def run_embed(*more):
    subprocess.run(["embed", "--threads", str(THREADS), "--encoding", "base64", "-o", "/dev/null", *more],
                   input="".join(lines).encode(), check=True)


timed("embed, built-in model", run_embed, resource.RUSAGE_CHILDREN)
timed("embed", lambda: run_embed("-m", MODEL), resource.RUSAGE_CHILDREN)
timed("embed --dtype bf16", lambda: run_embed("-m", MODEL, "--dtype", "bf16"), resource.RUSAGE_CHILDREN)

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
torch.set_num_threads(THREADS)
peer = SentenceTransformer(MODEL, device="cpu")
timed("sentence-transformers", lambda: peer.encode(texts, show_progress_bar=False))

try:
    import onnxruntime
    from transformers import AutoModel
    path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    bert = AutoModel.from_pretrained(MODEL, attn_implementation="eager").eval()

    class Pooled(torch.nn.Module):
        def forward(self, input_ids, attention_mask):
            h = bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            m = attention_mask.unsqueeze(-1).to(h.dtype)
            return torch.nn.functional.normalize((h * m).sum(1) / m.sum(1), dim=1)

    x = torch.ones(2, 16, dtype=torch.long)
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=512)
    torch.onnx.export(Pooled(), (x, x), path, input_names=["input_ids", "attention_mask"], output_names=["y"],
                      dynamic_shapes={"input_ids": {0: batch, 1: length}, "attention_mask": {0: batch, 1: length}})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    tokenizer = peer.tokenizer

    def run_onnx():
        order = sorted(range(N), key=lambda i: -len(texts[i]))
        for i in range(0, N, 32):
            t = tokenizer([texts[k] for k in order[i:i + 32]], padding=True, truncation=True, max_length=256, return_tensors="np")
            session.run(None, {"input_ids": t["input_ids"].astype(np.int64), "attention_mask": t["attention_mask"].astype(np.int64)})

    timed("ONNX Runtime", run_onnx)
except ImportError as e:
    print(f"ONNX Runtime: not measured, {e}")

for name in ("sentence-transformers", "ONNX Runtime"):
    if name in results:
        print(f"embed / {name}: {results[name][0] / results['embed'][0]:.2f} by wall time, "
              f"{results[name][1] / results['embed'][1]:.2f} by CPU time")
