#!/usr/bin/env python3
"""Goldens of classify.

    classify.py logistic OUT    logistic.json: scikit-learn's LogisticRegression and StratifiedKFold

The optimum is scikit-learn's by newton-cg to 1e-12: its lbfgs stops at ftol 64 eps before that. Versions stand in the file.
"""
import json, sys
import numpy as np


def logistic(out):
    import sklearn
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler
    cases = []
    for name, n, c, k, options in [
        ("three classes", 60, 5, 3, {}), ("two classes", 40, 3, 2, {}), ("weak penalty", 50, 4, 4, {"C": 100.0}),
        ("strong penalty, balanced", 70, 6, 5, {"C": 0.05, "class_weight": "balanced"}),
        ("weights", 40, 4, 3, {"class_weight": {0: 2.5, 1: 1.0, 2: 0.25}}),
        ("standardised, two classes", 50, 4, 2, {"standardize": True, "C": 2.0}),
        ("standardised with a constant column, balanced", 90, 5, 3, {"standardize": True, "class_weight": "balanced"}),
        ("nine classes, more columns than rows", 30, 40, 9, {}),
    ]:
        r = np.random.RandomState(len(name))
        y = np.sort(r.randint(0, k, n)) if k < 9 else np.arange(n) % k
        r.shuffle(y)
        centers = r.randn(k, c)
        x = (centers[y] + 1.2 * r.randn(n, c)).astype(np.float32)
        standardize = options.pop("standardize", False)
        if standardize:
            x = (x * np.float32(3) ** np.arange(c, dtype=np.float32) + np.float32(5)).astype(np.float32)
            x[:, -1] = 0.1
        z = x.astype(np.float64)
        scaler = StandardScaler().fit(z) if standardize else None
        m = LogisticRegression(solver="newton-cg", tol=1e-12, max_iter=100000, **options)
        m.fit(scaler.transform(z) if scaler else z, y)
        w, b = m.coef_, m.intercept_
        if scaler:
            w = w / scaler.scale_
            b = b - w @ scaler.mean_
        p = m.predict_proba(scaler.transform(z) if scaler else z)
        fold = np.zeros(n, int)
        for f, (_, held) in enumerate(StratifiedKFold(3).split(z, y)):
            fold[held] = f
        weight = options.get("class_weight")
        cases.append({"name": name, "c": options.get("C", 1.0), "standardize": standardize, "balanced": weight == "balanced",
                      "weights": [weight[i] for i in range(k)] if isinstance(weight, dict) else [],
                      "x": [[float(v) for v in row] for row in x], "y": y.tolist(), "coef": w.tolist(), "intercept": b.tolist(),
                      "proba": p.tolist(), "fold": fold.tolist()})
    with open(out + "/logistic.json", "w") as f:
        f.write('{"made_by": "tests/golden/classify.py logistic, scikit-learn %s",\n"cases": [\n' % sklearn.__version__)
        f.write(",\n".join(json.dumps(c) for c in cases) + "\n]}\n")


if __name__ == "__main__":
    {"logistic": logistic}[sys.argv[1]](sys.argv[2])
