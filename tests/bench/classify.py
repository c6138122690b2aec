#!/usr/bin/env python3
"""classify --fit beside scikit-learn's LogisticRegression on vectors of the shape of Banking77 through MiniLM: 10,003 x 384, 77 labels.
Heddle as a whole process, start-up and reading included; scikit-learn the fit alone, its defaults (which stop well before the
optimum) and to convergence (newton-cg). Wall time, and processor time, since other work on the machine shifts the first.
"""
import json
import os
import resource
import subprocess
import tempfile
import time
import warnings

import numpy as np

HEDDLE = os.path.join(os.environ.get("HEDDLE_BIN", "bin"), "classify")


def data(n=10003, c=384, k=77, seed=0):
    r = np.random.default_rng(seed)
    y = np.sort(r.integers(0, k, n))
    x = r.normal(size=c) * 0.5 + r.normal(size=(k, c))[y] * 0.6 + r.normal(size=(n, c))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), y


def seconds(fn):
    own, child = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    t = time.time()
    result = fn()
    wall = time.time() - t
    own2, child2 = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own2.ru_utime - own.ru_utime + child2.ru_utime - child.ru_utime
    return wall, cpu, result


def main():
    from sklearn.linear_model import LogisticRegression
    warnings.simplefilter("ignore")
    x, y = data()
    with tempfile.TemporaryDirectory() as folder:
        npy, records, saved = (os.path.join(folder, f) for f in ("x.npy", "y.jsonl", "c.safetensors"))
        np.save(npy, x)
        with open(records, "w") as f:
            f.writelines(json.dumps({"label": int(v)}) + "\n" for v in y)
        rows = [("classify --fit", lambda: subprocess.run([HEDDLE, "--fit", "--input-vectors", npy, "--save", saved, records],
                                                          check=True)),
                ("scikit-learn, lbfgs by default", lambda: LogisticRegression().fit(x, y)),
                ("scikit-learn, newton-cg to 1e-8", lambda: LogisticRegression(solver="newton-cg", tol=1e-8, max_iter=1000).fit(x, y))]
        times = [(name, *seconds(fn)) for name, fn in rows]
        for name, wall, cpu, _ in times:
            print(f"{name:34s} {wall:7.2f} s wall {cpu:7.2f} s processor {wall / times[0][1]:6.1f} x")
        from safetensors.numpy import load_file
        d = np.abs(load_file(saved)["coefficient"] - times[2][3].coef_).max()
        print(f"largest difference of a coefficient to newton-cg: {d:.2g}")


if __name__ == "__main__":
    main()
