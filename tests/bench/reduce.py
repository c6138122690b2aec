#!/usr/bin/env python3
"""reduce beside umap-learn: time, memory and quality on the same vectors in one run.

    tests/bench/reduce.py [--vectors FILE.npy] [--rows N] [-n 5] [--threads 2] [--repeat 1] [--quality]

Each side is a process of its own, start-up included: ours reads the vectors and writes records, umap-learn (random_state 42, as
whoever wants the same result twice must) loads the same file and saves an array. Without --vectors, rows are drawn from 60 places.
--quality adds, for both, trustworthiness and the share of 15 neighbours kept on (at most 10,000) rows, and how far the farthest
point is in units of the 99th percentile.
"""
import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

PEER = """
import sys, warnings
warnings.filterwarnings("ignore")
import numpy as np, umap
x = np.load(sys.argv[1])
y = umap.UMAP(n_neighbors=15, n_components=int(sys.argv[2]), metric="cosine", min_dist=0.0, random_state=42).fit_transform(x)
np.save(sys.argv[3], y)
"""


def sample(rows, columns=384):
    r = np.random.RandomState(1)
    x = r.randn(60, columns)[r.randint(60, size=rows)] + 0.8 * r.randn(rows, columns) @ np.diag(1 / np.sqrt(1 + np.arange(columns)))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def timed(command, **options):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.time()
    subprocess.run(command, check=True, **options)
    wall = time.time() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def quality(x, y, k=15):
    from sklearn.neighbors import NearestNeighbors
    n = len(x)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    near = NearestNeighbors(n_neighbors=k + 1).fit(y).kneighbors(y, return_distance=False)
    lost = kept = 0
    for first in range(0, n, 500):
        d = 1 - unit[first:first + 500] @ unit.T
        rows = np.arange(len(d))
        d[rows, rows + first] = -1
        rank = np.empty(d.shape, np.int32)
        np.put_along_axis(rank, np.argsort(d, axis=1), np.arange(n, dtype=np.int32)[None], 1)
        for i in rows:
            others = near[first + i][near[first + i] != first + i][:k]
            r = rank[i][others]
            lost += np.maximum(r - k, 0).sum()
            kept += (r <= k).sum()
    away = np.linalg.norm(y - np.median(y, axis=0), axis=1)
    return 1 - 2 * lost / (n * k * (2 * n - 3 * k - 1)), kept / n / k, away.max() / np.percentile(away, 99)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--vectors")
    p.add_argument("--rows", type=int, default=10000)
    p.add_argument("-n", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--repeat", type=int, default=1)
    p.add_argument("--quality", action="store_true")
    a = p.parse_args()
    x = np.load(a.vectors)[:a.rows] if a.vectors else sample(a.rows)
    reduce = os.path.join(os.environ.get("HEDDLE_BIN", "bin"), "reduce")
    if not shutil.which(reduce):
        sys.exit(f"{reduce} is not there: make, or set HEDDLE_BIN")
    with tempfile.TemporaryDirectory() as d:
        vectors, records = f"{d}/x.npy", f"{d}/records.jsonl"
        np.save(vectors, x)
        with open(records, "w") as f:
            f.writelines('{"i":%d}\n' % i for i in range(len(x)))
        threads = dict(os.environ, NUMBA_NUM_THREADS=str(a.threads), OMP_NUM_THREADS=str(a.threads))
        ours, theirs = [], []
        for _ in range(a.repeat):
            ours.append(timed([reduce, "-n", str(a.n), "--threads", str(a.threads), "--input-vectors", vectors, "--vectors",
                               f"{d}/ours.npy", "-o", f"{d}/out.jsonl", records]))
            theirs.append(timed([sys.executable, "-c", PEER, vectors, str(a.n), f"{d}/theirs.npy"], env=threads))
        (wall, cpu), (peer_wall, peer_cpu) = min(ours), min(theirs)
        print(f"reduce {len(x)} x {x.shape[1]} to {a.n}, {a.threads} threads: heddle {wall:.2f} s ({cpu:.2f} of CPU), "
              f"umap-learn {peer_wall:.2f} s ({peer_cpu:.2f} of CPU): {peer_wall / wall:.1f} times as fast, "
              f"{peer_cpu / cpu:.1f} by CPU time")
        if a.quality:
            for name in ("ours", "theirs"):
                t, kept, far = quality(x, np.load(f"{d}/{name}.npy"))
                print(f"{name}: trustworthiness {t:.4f}, neighbours kept {kept:.4f}, farthest {far:.2f} times the 99th percentile")


if __name__ == "__main__":
    main()
