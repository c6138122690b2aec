#!/usr/bin/env python3
"""How far cluster and hdbscan agree on real data, beside how far hdbscan's own five algorithms agree among themselves.

Mutual reach is the distance of two points or the core distance of one of them, so several edges of a spanning tree may weigh the same;
which of them is taken, and in which order they join, decides in which cluster a point between two falls, and whether a place of just
min_cluster_size points counts. hdbscan leaves that to the order of its search and to numpy's unstable sort; cluster takes the edges in
order of (weight, smaller index, larger index). Neither is more right.

Of hdbscan's five algorithms the generic one and the two by Prim find the same tree and sort it alike, and so do, nearly, the two by
Boruvka: they are two kinds, and what one kind says to ties the other does not know. So the question is: does cluster agree with the two
kinds as well as they do with each other?

A trial takes some abstracts at random, in random order, as `embed | reduce -n 5` places them, and compares the mean adjusted Rand index
of the six pairs of different kinds with that of cluster and each kind: once with hdbscan as it is, and once with
approx_min_span_tree=False, for its Boruvka is approximate unless told otherwise, and its tree then not always a shortest one. One tie near
the root can move half of all points, so that the differences have a long tail: their median and signs say more than their mean. A control
clusters with min_samples 1, where mutual reach is the distance itself and has no ties: there all must agree. The exit status is 1 where they
do not, or where cluster loses in more trials than chance explains (two standard deviations of a fair coin).

    cluster_ties.py [TRIALS]    27 by default
"""
import gzip
import itertools
import json
import os
import subprocess
import sys
import tempfile
import warnings

import hdbscan
import numpy as np
from sklearn.metrics import adjusted_rand_score

warnings.filterwarnings("ignore")
BIN = os.environ.get("HEDDLE_BIN", "bin")
DATA = os.path.join(os.environ.get("HEDDLE_DATA_DIR", os.path.join(os.environ.get("HEDDLE_SRC", "."), "../shared/data")),
                    "acl_abstracts/acl_2016plus.jsonl.gz")
ALGORITHMS = ["generic", "prims_kdtree", "prims_balltree", "boruvka_kdtree", "boruvka_balltree"]
SIZES, MIN_CLUSTER_SIZES = [1000, 2000, 4000, 10000], [10, 20, 50]


def heddle(command, *options, text=b""):
    return subprocess.run([os.path.join(BIN, command), *options], input=text, stdout=subprocess.PIPE, check=True).stdout


def reductions(n, folder):
    """The first n abstracts in 5 dimensions, from the built-in model, by three seeds."""
    with gzip.open(DATA) as f:
        embedded = heddle("embed", "--encoding", "base64", text=b"".join(itertools.islice(f, n)))
    for seed in ["42", "1", "2"]:
        path = os.path.join(folder, "reduced.npy")
        heddle("reduce", "-n", "5", "--seed", seed, "--vectors", path, "-o", os.devnull, text=embedded)
        yield np.load(path)


def ours(x, folder, *options):
    path = os.path.join(folder, "x.npy")
    np.save(path, x)
    out = heddle("cluster", *options, "--input-vectors", path, "--format", "text", text=b"-\n" * len(x))
    return np.array([json.loads(line)["cluster"] for line in out.splitlines()])


def theirs(x, approximate, algorithms=ALGORITHMS, **options):
    x = x.astype(np.float64)
    return [hdbscan.HDBSCAN(algorithm=a, approx_min_span_tree=approximate, core_dist_n_jobs=1, **options).fit(x).labels_ for a in algorithms]


def control(x, folder):
    """Without ties."""
    mine = ours(x, folder, "--min-cluster-size", "10", "--min-samples", "1")
    indices = [adjusted_rand_score(mine, t) for t in theirs(x, False, min_cluster_size=10, min_samples=1)]
    print(f"no ties: {len(x)} records, min_samples 1, {mine.max() + 1} clusters: ARI {min(indices):.6f} at least")
    return min(indices) == 1


def compare(mine, labels):
    """Mean index: within each kind, between the two, and of mine with both."""
    index = {(i, j): adjusted_rand_score(labels[i], labels[j]) for i, j in itertools.combinations(range(5), 2)}
    with_us = [adjusted_rand_score(mine, t) for t in labels]
    return [np.mean([index[0, 1], index[0, 2], index[1, 2]]), index[3, 4], np.mean([index[i, j] for i in range(3) for j in (3, 4)]),
            (np.mean(with_us[:3]) + np.mean(with_us[3:])) / 2]


def trial(x, size, folder):
    labels = theirs(x, True, min_cluster_size=size)
    exact = labels[:3] + theirs(x, False, ALGORITHMS[3:], min_cluster_size=size)
    mine = ours(x, folder, "--min-cluster-size", str(size))
    row = compare(mine, labels) + compare(mine, exact)
    print(f"{len(x):7} {size:4} {mine.max() + 1:8}   " + "     ".join("{:.4f} {:.4f} {:.4f} {:.4f}".format(*row[i:i + 4]) for i in (0, 4)), flush=True)
    return row


def judge(name, rows):
    prim, boruvka, between, mine = rows.T
    d = mine - between
    above, below = (d > 1e-9).sum(), (d < -1e-9).sum()
    print(f"{name}: within its kinds {prim.mean():.4f} and {boruvka.mean():.4f}, between them {between.mean():.4f}, cluster with them {mine.mean():.4f}; "
          f"difference: median {np.median(d):+.4f}, mean {d.mean():+.4f} (standard error {d.std(ddof=1) / np.sqrt(len(d)):.4f}), "
          f"above in {above} trials, below in {below}")
    return below - above <= 2 * np.sqrt(above + below)


def main():
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 27
    if not os.path.exists(DATA):
        print(f"cluster_ties.py: no {DATA}: skipped")
        return
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        reduced = list(reductions(max(SIZES), folder))
        good = control(reduced[0][:4000], folder)
        print("records size clusters   ARI within generic and Prim, within Boruvka, between, of cluster     the same, exact")
        rows = []
        for t in range(trials):
            x, n = reduced[t // 9 % 3], SIZES[3 if t % 8 == 7 else t // 3 % 3]
            rows.append(trial(x[rng.permutation(len(x))[:n]], MIN_CLUSTER_SIZES[t % 3], folder))
    rows = np.array(rows)
    good = judge("hdbscan as it is", rows[:, :4]) and good
    good = judge("hdbscan, exact", rows[:, 4:]) and good
    sys.exit(0 if good else 1)


main()
