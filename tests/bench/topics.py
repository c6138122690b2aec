#!/usr/bin/env python3
"""topics beside BERTopic's c-TF-IDF step, on the same records: reading, counting, weighing, words, representative texts.

usage: tests/bench/topics.py [--limit N] [--ngram-range 1,1]    (with the Python that has bertopic)

Records: the ACL abstracts of ../shared/data in 120 clusters of their venue (and a third outliers). BERTopic's side is a process of
its own with its imports, which are also timed alone. Figures are seconds of CPU time, both sides in turn, the best of two.
"""
import argparse, gzip, hashlib, json, os, pathlib, resource, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parents[2]
THEIRS = """
import json, sys
import numpy as np, pandas as pd
from bertopic import BERTopic
from bertopic._bertopic import TopicMapper
from bertopic.vectorizers import ClassTfidfTransformer
from sklearn.feature_extraction.text import CountVectorizer
if sys.argv[1] == "imports":
    sys.exit()
rows = [json.loads(l) for l in open(sys.argv[1])]
low, high = map(int, sys.argv[2].split(","))
m = BERTopic(language=None, vectorizer_model=CountVectorizer(stop_words="english", ngram_range=(low, high)))
docs = pd.DataFrame({"Document": [r["text"] for r in rows], "ID": range(len(rows)), "Topic": [r["cluster"] for r in rows]})
m.topics_ = docs.Topic.tolist()
m.topic_mapper_ = TopicMapper(m.topics_)
docs = m._sort_mappings_by_frequency(docs)
m._extract_topics(docs)
m._save_representative_docs(docs)
out = m.get_topic_info()
for r, t in zip(rows, docs.Topic):
    r["topic"] = int(t)
    sys.stdout.write(json.dumps(r) + "\\n")
"""


def cpu(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


p = argparse.ArgumentParser()
p.add_argument("--limit", type=int, default=0)
p.add_argument("--ngram-range", default="1,1")
args = p.parse_args()
data = root / "../shared/data/acl_abstracts/acl_2016plus.jsonl.gz"
if not data.exists():
    sys.exit(f"no {data}")
topics = os.environ.get("HEDDLE_BIN", str(root / "bin")) + "/topics"
with tempfile.TemporaryDirectory() as tmp:
    records, n = f"{tmp}/in.jsonl", 0
    with open(records, "w") as f:
        for line in gzip.open(data, "rt"):
            r = json.loads(line)
            r["cluster"] = int(hashlib.md5(r["venue"].encode()).hexdigest(), 16) % 120 if n % 3 else -1
            f.write(json.dumps(r) + "\n")
            n += 1
            if n == args.limit:
                break
    ours, theirs, imports = [], [], []
    for _ in range(2):
        ours.append(cpu(topics, "--stop-words", "english", "--ngram-range", args.ngram_range, "--report", f"{tmp}/r", records))
        theirs.append(cpu(sys.executable, "-c", THEIRS, records, args.ngram_range))
        imports.append(cpu(sys.executable, "-c", THEIRS, "imports"))
a, b, c = min(ours), min(theirs), min(imports)
print(f"{n} records, n-grams {args.ngram_range}: topics {a:.2f} s, BERTopic {b:.2f} s of which imports {c:.2f} s: "
      f"{b / a:.1f} times, {(b - c) / a:.1f} times without imports")
