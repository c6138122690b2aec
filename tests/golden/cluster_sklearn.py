#!/usr/bin/env python3
"""Goldens of k-means and agglomerative clustering for tests/unit/test_kmeans.c and test_agglomerative.c, from scikit-learn and SciPy:
tests/golden/cluster/sklearn.json. k-means starts from given rows, so that only Lloyd's iterations are compared; the inertia of ten
k-means++ starts of scikit-learn stands beside it as what ours should reach.
"""
import json
import os
import sys

import numpy as np
import scipy
import sklearn
from scipy.cluster.hierarchy import linkage
from sklearn.cluster import AgglomerativeClustering, KMeans

METRICS = ["euclidean", "cosine", "cityblock"]
LINKAGES = ["ward", "average", "complete", "single"]


def first_come(labels):
    """Number clusters in order of their first record."""
    seen = {}
    return [seen.setdefault(int(v), len(seen)) for v in labels]


def kmeans_case(name, x, k, start):
    fit = KMeans(k, init=x[start].astype(np.float64), n_init=1).fit(x.astype(np.float64))
    best = KMeans(k, n_init=10, random_state=0).fit(x.astype(np.float64))
    return {"name": name, "n": x.shape[0], "c": x.shape[1], "points": [float(str(v)) for v in x.ravel()], "k": k,
            "start": start.tolist(), "label": fit.labels_.tolist(), "centers": [float(f"{v:.12g}") for v in fit.cluster_centers_.ravel()],
            "inertia": fit.inertia_, "iterations": fit.n_iter_, "best": best.inertia_}


def agglomerative_case(name, x, kind, metric):
    z = linkage(x.astype(np.float64), LINKAGES[kind], METRICS[metric])
    threshold = float((z[len(z) // 2, 2] + z[len(z) // 2 + 1, 2]) / 2)
    options = dict(linkage=LINKAGES[kind], metric=METRICS[metric])
    by_number = AgglomerativeClustering(4, **options).fit_predict(x.astype(np.float64))
    by_distance = AgglomerativeClustering(None, distance_threshold=threshold, **options).fit_predict(x.astype(np.float64))
    return {"name": f"{name}, {LINKAGES[kind]}, {METRICS[metric]}", "n": x.shape[0], "c": x.shape[1],
            "points": [float(str(v)) for v in x.ravel()], "linkage": kind, "metric": metric,
            "joins": [[int(a), int(b), float(f"{d:.12g}"), int(s)] for a, b, d, s in z],
            "four": first_come(by_number), "threshold": threshold, "near": first_come(by_distance)}


def main():
    r = np.random.default_rng(3)
    blobs = np.concatenate([r.normal(size=(12, 4)) * (0.4 + 0.2 * i) + r.normal(size=4) * 2 for i in range(6)])
    wide = r.normal(size=(45, 12))
    blobs, wide = (np.round(v, 3).astype(np.float32) for v in (blobs, wide))
    kmeans = [kmeans_case("blobs", blobs, 6, r.permutation(72)[:6]), kmeans_case("one cluster", blobs, 1, np.array([5])),
              kmeans_case("no structure", wide, 9, r.permutation(45)[:9]),
              kmeans_case("starts that leave clusters empty", blobs, 5, np.array([0, 0, 0, 30, 30]))]
    agglomerative = [agglomerative_case(name, x, kind, metric) for name, x in (("blobs", blobs[::2]), ("no structure", wide[:30]))
                     for kind in range(4) for metric in range(3) if kind or not metric]
    versions = {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__,
                "python": sys.version.split()[0]}
    path = os.path.join(os.path.dirname(__file__), "cluster", "sklearn.json")
    with open(path, "w") as f:
        f.write('{"versions":' + json.dumps(versions))
        for key, cases in (("kmeans", kmeans), ("agglomerative", agglomerative)):
            f.write(f',\n"{key}":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
        f.write("}\n")
    print(path, os.path.getsize(path), "bytes")


main()
