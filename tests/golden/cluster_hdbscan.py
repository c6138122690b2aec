#!/usr/bin/env python3
"""Goldens of HDBSCAN for tests/unit/test_hdbscan.c: tests/golden/cluster/hdbscan.json.

Mutual reach has many ties, so a minimum spanning tree is not unique, and hdbscan's own algorithms disagree. Heddle's tree is the one
whose edges come first by (weight, smaller index, larger index). This script builds that tree by brute force (Kruskal, in the
arithmetic of lib/learn/space.h), asserts that its sorted weights are those of hdbscan's generic algorithm, and hands it to hdbscan's own
label, condense_tree, simplify_hierarchy, compute_stability, get_clusters, outlier_scores and approximate_predict.
"""
import json
import os
import sys
import warnings

import hdbscan
import numpy as np
import scipy
import sklearn
import sklearn.metrics
from hdbscan._hdbscan_linkage import label, mst_linkage_core
from hdbscan._hdbscan_reachability import mutual_reachability
from hdbscan._hdbscan_tree import condense_tree, compute_stability, get_clusters, outlier_scores, simplify_hierarchy
from hdbscan.prediction import approximate_predict, approximate_predict_scores
from scipy.spatial.distance import cdist

warnings.filterwarnings("ignore")
METRICS = ["euclidean", "cosine", "cityblock"]


def distances(x, metric):
    """All distances, summed over dimensions in order, as lib/learn/space.h defines them."""
    x = x.astype(np.float64)
    if metric == 1:
        length = np.zeros(len(x))
        for j in range(x.shape[1]):
            length = length + x[:, j] * x[:, j]
        x = x / np.sqrt(length)[:, None]
    raw = np.zeros((len(x), len(x)))
    for j in range(x.shape[1]):
        d = x[:, None, j] - x[None, :, j]
        raw = raw + (np.abs(d) if metric == 2 else d * d)
    return np.sqrt(raw) if metric == 0 else raw * 0.5 if metric == 1 else raw


def spanning_tree(x, metric, min_samples, alpha):
    n = len(x)
    samples = min(n - 1, min_samples)
    d = distances(x, metric)
    core = np.sort(d, axis=0)[samples]
    reach = np.maximum(np.maximum(d / alpha, core[:, None]), core[None, :])
    a, b = np.triu_indices(n, 1)
    order = np.lexsort((b, a, reach[a, b]))
    parent = list(range(n))

    def find(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    edges = []
    for e in order:
        i, j = find(a[e]), find(b[e])
        if i != j:
            parent[i] = j
            edges.append((a[e], b[e], reach[a[e], b[e]]))
    edges = np.array(edges, dtype=float)
    full = cdist(x.astype(np.float64), x.astype(np.float64), METRICS[metric])
    np.fill_diagonal(full, 0)
    generic = np.sort(mst_linkage_core(mutual_reachability(full, samples, alpha))[:, 2])
    assert np.abs(generic - edges[:, 2]).max() < 1e-9
    return edges


def cluster(edges, o):
    tree = condense_tree(label(edges), o["min_cluster_size"])
    if o["persistence"] > 0 and (tree["child_size"] > 1).any():
        tree = simplify_hierarchy(tree, o["persistence"])
    labels, probabilities, stabilities = get_clusters(
        tree, compute_stability(tree), o["method"], o["allow_single_cluster"], False, o["epsilon"], o["max_cluster_size"],
        o["epsilon_max"] or np.inf)
    scores = outlier_scores(tree)
    scores[np.isnan(scores)] = 1  # the limit: (inf - finite) / inf, see lib/learn/hdbscan_select.c
    return tree, labels, probabilities, scores, stabilities


def predict(x, edges, o, new):
    """approximate_predict with our tree in the place of hdbscan's."""
    tree, labels, probabilities, _, _ = cluster(edges, o)
    h = hdbscan.HDBSCAN(min_cluster_size=o["min_cluster_size"], min_samples=o["min_samples"]).fit(x)
    h._condensed_tree, h.labels_, h.probabilities_ = tree, labels, probabilities
    h.generate_prediction_data()
    label_, probability = approximate_predict(h, new)
    return label_, probability, approximate_predict_scores(h, new)


def short(values):
    return [None if not np.isfinite(v) else float(f"{v:.8g}") for v in np.ravel(values)]


def datasets():
    r = np.random.default_rng(7)

    def blobs(n, c, k, spread):
        return np.concatenate([r.normal(size=(n // k, c)) * spread * (1 + i % 3) + r.normal(size=c) * 3 for i in range(k)])

    grid = np.stack(np.meshgrid(np.arange(9), np.arange(9)), -1).reshape(-1, 2)
    return {
        "blobs of differing density": (blobs(100, 3, 5, 0.3), 5),
        "a square grid, all distances tied": (grid, 4),
        "points of few whole numbers": (r.integers(0, 4, size=(90, 2)), 5),
        "groups of equal points": (np.repeat(r.normal(size=(14, 3)), [1, 2, 5, 20, 12, 7, 3] * 2, axis=0)[r.permutation(100)], 5),
        "all points equal": (np.ones((30, 4)), 5),
        "two places": (np.repeat([[0, 0], [1, 1]], 20, axis=0), 5),
        "a chain": (np.cumsum(1 + np.arange(60) % 7 * 0.25)[:, None], 3),
        "two points": (r.normal(size=(2, 3)), 5),
        "fewer points than min_cluster_size": (r.normal(size=(7, 2)), 10),
        "many dimensions": (blobs(40, 30, 4, 0.5), 3),
    }


DEFAULT = dict(min_cluster_size=5, min_samples=0, method="eom", epsilon=0.0, epsilon_max=0.0, persistence=0.0, max_cluster_size=0,
               allow_single_cluster=False, alpha=1.0, metric=0)
VARIANTS = [dict(), dict(method="leaf"), dict(epsilon=0.6), dict(epsilon=0.6, method="leaf"),
            dict(epsilon=1.2, allow_single_cluster=True), dict(allow_single_cluster=True), dict(max_cluster_size=25),
            dict(max_cluster_size=25, allow_single_cluster=True), dict(epsilon_max=0.9), dict(persistence=0.2),
            dict(persistence=0.2, method="leaf"), dict(min_cluster_size=2), dict(min_cluster_size=15)]
TREES = [dict(), dict(min_samples=1), dict(alpha=0.7), dict(metric=2), dict(metric=1)]


def case(name, x, tree, variants):
    base = {**DEFAULT, **tree}
    edges = spanning_tree(x, base["metric"], base["min_samples"], base["alpha"])
    runs = []
    for v in variants:
        o = {**base, **v}
        rows, labels, probabilities, scores, stabilities = cluster(edges, o)
        run = {"options": {k: v for k, v in o.items() if v != DEFAULT[k]}, "label": labels.tolist(),
               "probability": short(probabilities), "score": short(scores), "persistence": short(stabilities)}
        if not v:
            run["rows"] = [[int(p), int(c), short([w])[0], int(s)] for p, c, w, s in rows]
        runs.append(run)
    return {"name": name, "n": x.shape[0], "c": x.shape[1], "points": [float(str(v)) for v in x.ravel()],
            "edges": [[int(a), int(b), float(f"{w:.12g}")] for a, b, w in edges],
            "runs": runs}


def fitted():
    """Whole fits of hdbscan, by each of its algorithms. With min_samples 1 mutual reach is the distance itself, which has no ties
    here: then there is one tree, and all must find the same clusters (tests/bench/cluster_ties.py has what ties do)."""
    r = np.random.default_rng(23)
    x = np.concatenate([r.normal(size=(m, 5)) * s + r.normal(size=5) * 3 for m, s in [(80, 0.2), (60, 0.5), (40, 0.3), (30, 1), (90, 2)]])
    x = np.round(x[r.permutation(len(x))], 4).astype(np.float32)
    o = dict(min_cluster_size=8, min_samples=1)
    labels = []
    for algorithm in ["generic", "prims_kdtree", "prims_balltree", "boruvka_kdtree", "boruvka_balltree"]:
        h = hdbscan.HDBSCAN(algorithm=algorithm, gen_min_span_tree=True, **o).fit(x.astype(np.float64))
        assert len(np.unique(h._min_spanning_tree[:, 2])) == len(x) - 1
        labels.append(h.labels_)
        assert sklearn.metrics.adjusted_rand_score(labels[0], labels[-1]) == 1
    assert labels[0].max() > 3 and (labels[0] < 0).sum() > 20
    return {"options": o, "n": len(x), "c": 5, "points": [float(str(v)) for v in x.ravel()], "label": labels[0].tolist()}


def main():
    cases = []
    for name, (x, size) in datasets().items():
        x = np.round(x, 3).astype(np.float32)
        for i, tree in enumerate(TREES):
            if i and len(x) > 70 and i != 4 or tree.get("metric") == 1 and (np.abs(x).sum(axis=1) == 0).any():
                continue
            cases.append(case(name, x, {"min_cluster_size": size, "min_samples": size, **tree},
                              VARIANTS if i == 0 and len(x) > 40 else VARIANTS[:1]))
    r = np.random.default_rng(11)
    x, size = datasets()["blobs of differing density"]
    x = np.round(x, 3).astype(np.float32)
    o = {**DEFAULT, "min_cluster_size": 5, "min_samples": 4}
    edges = spanning_tree(x, 0, 4, 1.0)
    new = np.round(np.concatenate([x[:10], x[20:60] + r.normal(size=(40, 3)) * 0.2, r.normal(size=(10, 3)) * 4]), 3).astype(np.float32)
    label_, probability, score = predict(x, edges, o, new)
    assert len(set(label_.tolist())) > 3
    prediction = {"options": {k: v for k, v in o.items() if v != DEFAULT[k]}, "n": len(x), "c": 3,
                  "points": [float(str(v)) for v in x.ravel()], "new": [float(str(v)) for v in new.ravel()],
                  "label": label_.tolist(), "probability": short(probability), "score": short(score)}
    versions = {"hdbscan": "0.8.44", "numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__,
                "python": sys.version.split()[0]}
    path = os.path.join(os.path.dirname(__file__), "cluster", "hdbscan.json")
    with open(path, "w") as f:
        f.write('{"versions":' + json.dumps(versions) + ',\n"prediction":' + json.dumps(prediction, separators=(",", ":")) +
                ',\n"fitted":' + json.dumps(fitted(), separators=(",", ":")) + ',\n"cases":[\n')
        f.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
        f.write("\n]}\n")
    print(path, os.path.getsize(path), "bytes,", len(cases), "trees,", sum(len(c["runs"]) for c in cases), "clusterings")


main()
