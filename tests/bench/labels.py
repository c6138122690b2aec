#!/usr/bin/env python3
"""classify -m and ner -m beside transformers' pipelines of the same fine-tuned model: all-MiniLM-L6-v2 under heads of random weights.

    labels.py [N [THREADS]]     texts, by default 1000, and 2

Each is a whole process from the same JSONL to labels, start-up and loading included; the pipelines also without, and with the
batches (of texts sorted by length) that suit them. Labels must be equal: ties aside, random heads agree by no accident.
"""
import gzip
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("HEDDLE_BIN", os.path.join(SRC, "bin"))
MODEL = os.environ.get("HEDDLE_MINILM", os.path.join(os.environ.get("HEDDLE_BUILD", SRC + "/build"), "models/all-MiniLM-L6-v2"))
PEER = """
import json, sys, time
import torch
from transformers import pipeline
task, folder, path, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
texts = [json.loads(l)["text"] for l in open(path)]
p = pipeline(task, model=folder, device="cpu", **({"aggregation_strategy": "simple"} if task == "token-classification" else {"truncation": True}))
order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
start = time.perf_counter(), time.process_time()
found = p([texts[i] for i in order], batch_size=16)
print(time.perf_counter() - start[0], time.process_time() - start[1])
for i in sorted(range(len(texts)), key=order.__getitem__):
    x = found[i]
    print(json.dumps(x["label"] if task == "text-classification" else [[e["entity_group"], int(e["start"]), int(e["end"])] for e in x]))
"""


def fine_tuned(folder):
    """The two models; returns the folder of each."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer
    torch.manual_seed(0)
    for name, kind, labels in (("text", AutoModelForSequenceClassification, ["no", "yes", "perhaps"]),
                               ("token", AutoModelForTokenClassification, ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])):
        m = kind.from_pretrained(MODEL, num_labels=len(labels), id2label=dict(enumerate(labels)), label2id={l: i for i, l in enumerate(labels)})
        with torch.no_grad():
            m.classifier.weight.normal_(0, 0.5)
        m.save_pretrained(os.path.join(folder, name))
        AutoTokenizer.from_pretrained(MODEL, model_max_length=512).save_pretrained(os.path.join(folder, name))


def run(command):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, out


def ours(command, out):
    if command == "classify":
        return [json.loads(l)["label"] for l in out.splitlines()]
    return [[[e["label"], e["start"], e["end"]] for e in json.loads(l)["entities"]] for l in out.splitlines()]


def main():
    n, threads = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((1, 1000), (2, 2)))
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        fine_tuned(folder)
        path = os.path.join(folder, "texts.jsonl")
        with gzip.open(os.path.join(SRC, "../shared/data/acl_abstracts/acl_2016plus.jsonl.gz"), "rt") as f, open(path, "w") as to:
            for line in itertools.islice(f, n):  # pipelines of tokens take no text that is longer than the model
                to.write(json.dumps({"text": json.loads(line)["text"][:1000]}) + "\n")
        for command, task in (("classify", "text-classification"), ("ner", "token-classification")):
            model = os.path.join(folder, task.split("-")[0])
            wall, cpu, out = run([os.path.join(BIN, command), "--threads", str(threads), "-m", model, path])
            peer_wall, peer_cpu, peer_out = run([sys.executable, "-c", PEER, task, model, path, str(threads)])
            head, *lines = peer_out.splitlines()
            alone, alone_cpu = map(float, head.split())
            got, want = ours(command, out), [json.loads(l) for l in lines]
            same = sum(a == b for a, b in zip(got, want))
            print(f"{command:9s} {n / wall:8.1f} texts/s {n / cpu:8.1f} a CPU second")
            print(f"pipeline  {n / peer_wall:8.1f} texts/s {n / peer_cpu:8.1f} a CPU second; {peer_wall / wall:.2f} x, {peer_cpu / cpu:.2f} x CPU")
            print(f"  without start-up {n / alone:.1f} texts/s {n / alone_cpu:.1f}; {alone / wall:.2f} x, {alone_cpu / cpu:.2f} x CPU; "
                  f"{same} of {len(want)} texts have the same labels")


if __name__ == "__main__":
    main()
