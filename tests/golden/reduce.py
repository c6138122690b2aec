#!/usr/bin/env python3
"""Write tests/golden/reduce/reduce.json: what umap-learn and scikit-learn compute on a small matrix, for test_umap and test_pca.

The rows are mixtures of a few directions, rounded to thousandths so that they are the same float32 in every program; two rows are
copies. umap-learn takes its small-data path: all pairwise distances by scikit-learn, then its own fuzzy_simplicial_set.

    tests/golden/reduce.py > tests/golden/reduce/reduce.json
"""
import json
import sys

import numpy as np
import scipy
import sklearn
import umap
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances
from umap.umap_ import discrete_metric_simplicial_set_intersection, find_ab_params, fuzzy_simplicial_set
from umap.utils import fast_knn_indices

N, C = 100, 12


def rows():
    r = np.random.RandomState(3)
    centres = r.randn(5, C)
    x = centres[r.randint(5, size=N)] + 0.6 * r.randn(N, C)
    x[17] = x[4]
    return np.round(x, 3).astype(np.float32)


def numbers(a):
    return [float("%.9g" % v) for v in np.asarray(a, dtype=np.float64).ravel()]


def csr(graph):
    g = graph.tocsr()
    g.sort_indices()
    return {"start": g.indptr.tolist(), "to": g.indices.tolist(), "weight": numbers(g.data)}


def fuzzy(x, metric, k, mix=1.0, connectivity=1.0):
    # float64 in, so that the golden's own rounding is not what is compared
    d = pairwise_distances(x.astype(np.float64), metric={"manhattan": "manhattan"}.get(metric, metric))
    d = np.maximum(d, 0)
    np.fill_diagonal(d, 0)
    d[d < 1e-12] = 0
    index = fast_knn_indices(d, k)
    near = d[np.arange(N)[:, None], index]
    graph, sigma, rho = fuzzy_simplicial_set(d.astype(np.float32), k, np.random.RandomState(0), "precomputed", set_op_mix_ratio=mix,
                                             local_connectivity=connectivity)
    return {"metric": metric, "k": k, "mix": mix, "connectivity": connectivity, "index": index.ravel().tolist(),
            "distance": numbers(near), "sigma": numbers(sigma), "rho": numbers(rho), "graph": csr(graph)}, graph


def main():
    x = rows()
    cases = [fuzzy(x, m, 10)[0] for m in ("cosine", "euclidean", "manhattan", "correlation")]
    cases += [fuzzy(x, "cosine", 6, 0.5, 1.0)[0], fuzzy(x, "cosine", 12, 0.0, 2.3)[0], fuzzy(x, "euclidean", 5, 1.0, 0.5)[0]]
    label = np.arange(N) % 4 - (np.arange(N) % 11 == 0) * (np.arange(N) % 4 + 1)
    supervised = []
    for weight in (0.5, 0.9, 1.0):
        far = 2.5 / (1 - weight) if weight < 1 else 1e12
        g = discrete_metric_simplicial_set_intersection(fuzzy(x, "cosine", 10)[1], label, far_dist=far)
        supervised.append({"weight": weight, "graph": csr(g)})
    curve = [[s, m, *map(float, find_ab_params(s, m))] for s, m in
             ((1, 0), (1, 0.1), (1, 0.25), (1, 0.5), (1, 0.99), (2, 0.1), (0.5, 0))]
    pca = PCA(n_components=4, svd_solver="full").fit(x.astype(np.float64))
    json.dump({
        "versions": {m.__name__: m.__version__ for m in (umap, sklearn, scipy, np)},
        "n": N, "c": C, "x": [float(str(v)) for v in x.ravel()], "fuzzy": cases, "label": label.tolist(), "supervised": supervised,
        "curve": curve, "pca": {"components": numbers(pca.components_), "variance": numbers(pca.explained_variance_),
                                "scores": numbers(pca.transform(x.astype(np.float64)))},
    }, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
