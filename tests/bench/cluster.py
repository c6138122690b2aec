#!/usr/bin/env python3
"""cluster beside hdbscan and scikit-learn, each as a whole process from JSONL to labels, start-up included, in one run. Prints seconds
of processor time, since other work on the machine shifts wall time, and wall time too; the ratios are of wall time.

    cluster.py [N[xC]...]    numbers of records, and of their dimensions, else 5; by default 43013 and 43013x384; 200000 and 1000000
                             show how it goes on; hdbscan is left out above 24 dimensions
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

HEDDLE = os.path.join(os.environ.get("HEDDLE_BIN", "bin"), "cluster")
READ = "import json,sys,numpy as np; x=np.array([json.loads(l)['reduced'] for l in open(sys.argv[1])],dtype=np.float32); "
PEERS = {
    "hdbscan": (["--min-cluster-size", "50"], READ + "import hdbscan; h=hdbscan.HDBSCAN(min_cluster_size=50).fit(x); "
                "h.outlier_scores_; label=h.labels_"),
    "kmeans": (["--method", "kmeans", "--n-clusters", "50"], READ + "from sklearn.cluster import KMeans; "
               "label=KMeans(50,random_state=42).fit(x.astype(np.float64)).labels_"),
}
WRITE = "\nfor l,c in zip(open(sys.argv[1]),label): sys.stdout.write(l.rstrip()[:-1]+', \"cluster\": %d}\\n'%c)"


def records(n, c=5, k=250, seed=0):
    """Dense places of differing size and spread, a tenth of the points anywhere: what UMAP makes of a corpus."""
    r = np.random.default_rng(seed)
    centers, spread = r.normal(size=(k, c)) * 4, np.exp(r.normal(size=k) * 0.7 - 1.2)
    place = r.choice(k, n, p=r.dirichlet(np.ones(k) * 0.7))
    x = centers[place] + r.normal(size=(n, c)) * spread[place][:, None]
    loose = r.random(n) < 0.1
    x[loose] = r.normal(size=(loose.sum(), c)) * 5
    return x.astype(np.float32)


def measure(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.time()
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, "PYTHONWARNINGS": "ignore"}).stdout
    wall = time.time() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    labels = [json.loads(line)["cluster"] for line in out.splitlines()]
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, labels


def agreement(a, b):
    from sklearn.metrics import adjusted_rand_score
    return adjusted_rand_score(a, b)


def main():
    for n, c in [[int(v) for v in a.split("x")] if "x" in a else [int(a), 5] for a in sys.argv[1:]] or [(43013, 5), (43013, 384)]:
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
            for i, v in enumerate(records(n, c)):
                f.write(json.dumps({"id": i, "reduced": [float(str(u)) for u in v]}) + "\n")
            f.flush()
            for name, (options, code) in PEERS.items():
                if name == "hdbscan" and c > 24:
                    continue
                wall, cpu, labels = measure([HEDDLE, *options, f.name])
                peer_wall, peer_cpu, peer_labels = measure([sys.executable, "-c", code + WRITE, f.name])
                print(f"{name} {n}x{c}: heddle {wall:.2f} s ({cpu:.2f} s cpu), peer {peer_wall:.2f} s ({peer_cpu:.2f} s cpu), "
                      f"ratio {peer_wall / wall:.1f}, cpu {peer_cpu / cpu:.1f}, labels agree {agreement(labels, peer_labels):.4f} (ARI)",
                      flush=True)


main()
