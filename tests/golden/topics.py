#!/usr/bin/env python3
"""Topics as BERTopic 0.17.4 describes them.

usage: tests/golden/topics.py                  write tests/golden/topics/golden.json from texts.jsonl
       tests/golden/topics.py --corpora DATA   write banking77.tsv and acl.tsv there from ../shared/data: the clusters in order of
           records (of banking77 its labels in order of appearance, of ACL k-means), then cluster, word, score
       tests/golden/topics.py --check FILE… [--text-key K] [--label-key K | --kmeans N] [--limit N] [--embeddings]
           run bin/topics on records with their labels (or those of k-means) and compare words and scores with BERTopic's;
           with --embeddings also KeyBERT and MMR by the model in the folder MINILM

Labels are given (BERTopic's manual topics), so only what follows the clustering is compared. BERTopic draws the texts among
which it looks for representative ones with replacement; here it looks at all of them, as Heddle does below 500 a topic.
"""
import argparse, gzip, json, os, pathlib, subprocess, sys, tempfile

import bertopic, numpy as np, pandas as pd, sklearn
from bertopic import BERTopic
from bertopic.backend import BaseEmbedder
from bertopic.cluster import BaseCluster
from bertopic.dimensionality import BaseDimensionalityReduction
from bertopic.representation import KeyBERTInspired, MaximalMarginalRelevance
from bertopic.vectorizers import ClassTfidfTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics.pairwise import cosine_similarity

root = pathlib.Path(__file__).resolve().parents[2]
SIZE = 16
pd.core.groupby.DataFrameGroupBy.sample = lambda self, **_: self.obj.sort_values("Topic", kind="stable")

argsort = np.argsort


def settle_ties(matrix, n):
    """The n largest of each row, ascending, ties by falling column: reversed by BERTopic, (score, word) as in Heddle."""
    rows = []
    for a, b in zip(matrix.indptr[:-1], matrix.indptr[1:]):
        order = np.lexsort((-matrix.indices[a:b], matrix.data[a:b]))[-n:]
        row = matrix.indices[a:b][order].tolist()
        rows.append([None] * (n - len(row)) + row)
    return np.array(rows)


def toy(text):
    """A vector of small whole numbers: tests/unit/test_representation.c computes the same."""
    v = np.zeros(SIZE, np.float32)
    for p, b in enumerate(text.encode()):
        for d in range(SIZE):
            v[d] += (b * 31 + p % 5 * 7 + d * 13 * (b % 11)) % 97 - 48
    return v


class Toy(BaseEmbedder):
    def embed(self, documents, verbose=False):
        return np.stack([toy(d) for d in documents])


def fit(texts, labels, vectorizer={}, ctfidf={}, top_n=10, representation=None, embedder=None, embeddings=None):
    embedder = embedder or Toy()
    model = BERTopic(
        language=None, embedding_model=embedder, umap_model=BaseDimensionalityReduction(), hdbscan_model=BaseCluster(),
        vectorizer_model=CountVectorizer(**vectorizer), ctfidf_model=ClassTfidfTransformer(**ctfidf),
        representation_model=representation, top_n_words=top_n,
    )
    if embeddings is None:
        embeddings = embedder.embed(texts)
    topics, _ = model.fit_transform(texts, embeddings, y=labels)
    model.cluster_of = {t: l for t, l in zip(topics, labels)}
    return model


def ranked(model, texts, topics):
    """The texts of each topic by cosine, the best first."""
    out = {}
    for row, topic in enumerate(sorted(set(topics))):
        ids = [i for i, t in enumerate(topics) if t == topic]
        bow = model.vectorizer_model.transform([texts[i] for i in ids])
        sim = cosine_similarity(model.ctfidf_model.transform(bow), model.c_tf_idf_[row]).ravel()
        out[topic] = [ids[i] for i in np.lexsort((ids, -sim))]
    return out


def versions():
    return {"bertopic": bertopic.__version__, "sklearn": sklearn.__version__, "numpy": np.__version__}


def make():
    records = [json.loads(l) for l in open(root / "tests/golden/topics/texts.jsonl")]
    texts, labels = [r["text"] for r in records], [r["cluster"] for r in records]
    cases = [
        ("the defaults", {}, {}, {}, 10),
        ("English stop words", {"stop_words": "english"}, {}, {}, 10),
        ("words and bigrams", {"ngram_range": (1, 2)}, {}, {}, 10),
        ("trigrams alone, without stop words", {"ngram_range": (3, 3), "stop_words": "english"}, {}, {}, 10),
        ("words of two topics at least", {"min_df": 2}, {}, {}, 10),
        ("words of two to five topics", {"min_df": 2, "max_df": 5}, {}, {}, 10),
        ("words of a share of topics", {"min_df": 0.2, "max_df": 0.75}, {}, {}, 40),
        ("bm25", {}, {"bm25_weighting": True}, {}, 10),
        ("frequent words reduced", {}, {"reduce_frequent_words": True}, {}, 10),
        ("both, and bigrams", {"ngram_range": (1, 2)}, {"bm25_weighting": True, "reduce_frequent_words": True}, {}, 5),
        ("seed words", {}, {"seed_words": ["moon", "bread", "slow", "naïve"], "seed_multiplier": 2}, {}, 10),
    ]
    out = {"versions": versions(), "cases": []}
    for name, vectorizer, ctfidf, _, top_n in cases:
        m = fit(texts, labels, vectorizer, ctfidf, top_n)
        out["cases"].append({
            "name": name, "top_n": top_n, "vectorizer": {**vectorizer}, "ctfidf": ctfidf,
            "terms": len(m.vectorizer_model.get_feature_names_out()), "sum": float(m.c_tf_idf_.sum()),
            "topics": [
                {"cluster": m.cluster_of[t], "count": m.topic_sizes_[t],
                 "words": [[w, float(s)] for w, s in words if w]}
                for t, words in sorted(m.topic_representations_.items())
            ],
        })
    keybert, mmr = KeyBERTInspired, MaximalMarginalRelevance
    chains = {
        "Main": [keybert(top_n_words=30), mmr(diversity=0.5)], "keybert": keybert(), "mmr": mmr(diversity=0.5),
        "mmr,keybert": [mmr(diversity=0.5, top_n_words=30), keybert()],
    }
    # the topic of one text has too few words for BERTopic: it fills up with empty ones
    # which words of equal score are candidates, and in which order, is left to chance there
    BERTopic._top_n_idx_sparse = staticmethod(settle_ties)
    np.argsort = lambda a, axis=-1, **_: argsort(a, axis, kind="stable")
    some = [i for i, l in enumerate(labels) if l != 20]
    texts, labels = [texts[i] for i in some], [labels[i] for i in some]
    m = fit(texts, labels, {"ngram_range": (1, 2)}, representation=chains)
    best = ranked(m, texts, m.topics_)
    pairs = lambda words: [[w, float(s)] for w, s in words]
    out["representation"] = [
        {"cluster": m.cluster_of[t], "texts": [texts[i] for i in best[t][:5]],
         "embedding": [float(x) for x in m.topic_embeddings_[row]],
         "keybert,mmr": pairs(m.topic_representations_[t]),
         **{a: pairs(m.topic_aspects_[a][t]) for a in m.topic_aspects_}}
        for row, t in enumerate(sorted(m.topic_representations_))
    ]
    (root / "tests/golden/topics/golden.json").write_text(json.dumps(out, ensure_ascii=False, indent=0) + "\n")


def heddle(records, *options):
    with tempfile.TemporaryDirectory() as tmp:
        report = pathlib.Path(tmp) / "report.json"
        path = pathlib.Path(tmp) / "in.jsonl"
        path.write_text("".join(json.dumps(r) + "\n" for r in records))
        topics = os.environ.get("HEDDLE_BIN", str(root / "bin")) + "/topics"
        subprocess.run([topics, *options, "--report", report, path, "-o", os.devnull], check=True)
        return json.load(open(report))["topics"]


def compare(ours, model, aspect=None, tolerance=1e-9):
    """Rank by rank the same scores; the same words but for exchanges among equal scores. Returns (topics alike, worst error)."""
    worst, alike = 0.0, 0
    theirs = model.topic_aspects_[aspect] if aspect else model.topic_representations_
    by_cluster = {}
    for t, words in theirs.items():
        by_cluster.setdefault(model.topic_sizes_[t], []).append([(w, s) for w, s in words if w])
    for topic in ours:
        words = [(w["word"], w["score"]) for w in (topic["aspects"][aspect] if aspect else topic["words"])]
        candidates = by_cluster[topic["count"]]  # numbering differs among topics of one size
        errors = [max([abs(a[1] - b[1]) for a, b in zip(words, c)] + [0 if len(words) == len(c) else 1]) for c in candidates]
        k = int(np.argmin(errors))
        worst = max(worst, errors[k])
        scores = [s for _, s in words]
        last = scores[-1] if scores else 0
        settled = lambda ws: {w for w, s in ws if abs(s - last) > tolerance}
        alike += settled(words) == settled(candidates[k])
    return alike, worst


def kmeans(texts, k):
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    points = TruncatedSVD(50, random_state=0).fit_transform(TfidfVectorizer(stop_words="english").fit_transform(texts))
    return KMeans(k, random_state=0, n_init=1).fit_predict(points).tolist()


def corpora(data):
    BERTopic._top_n_idx_sparse = staticmethod(settle_ties)
    np.argsort = lambda a, axis=-1, **_: argsort(a, axis, kind="stable")
    banking = [json.loads(l) for l in open(f"{data}/banking77/train.jsonl")]
    names = list(dict.fromkeys(r["label"] for r in banking))
    acl = [json.loads(l)["text"] for l, _ in zip(gzip.open(f"{data}/acl_abstracts/acl_2016plus.jsonl.gz", "rt"), range(2000))]
    for name, texts, labels, vectorizer in [
        ("banking77", [r["text"] for r in banking], [names.index(r["label"]) for r in banking], {"ngram_range": (1, 2)}),
        ("acl", acl, kmeans(acl, 40), {"stop_words": "english"}),
    ]:
        m = fit(texts, labels, vectorizer)
        with open(root / f"tests/golden/topics/{name}.tsv", "w") as f:
            # labels of the records, run by run: banking77's follow one another
            runs = []
            for l in labels:
                if runs and runs[-1][0] == l:
                    runs[-1][1] += 1
                else:
                    runs.append([l, 1])
            f.write(" ".join(f"{l}:{n}" for l, n in runs) + "\n")
            for t, words in sorted(m.topic_representations_.items()):
                for w, score in words:
                    f.write(f"{m.cluster_of[t]}\t{w}\t{score!r}\n".replace("np.float64(", "").replace(")", ""))


def check(args):
    records = []
    for f in args.files:
        for line in (gzip.open if f.endswith(".gz") else open)(f, "rt"):
            r = json.loads(line)
            records.append({"text": r[args.text_key], "label": r.get(args.label_key)})
    records = records[: args.limit] if args.limit else records
    texts = [r["text"] for r in records]
    embeddings, embedder = None, None
    if args.embeddings:
        from sentence_transformers import SentenceTransformer
        embedder = SentenceTransformer(os.environ["MINILM"], device="cpu")
        embeddings = embedder.encode(texts, batch_size=64)
    if args.kmeans:
        labels = kmeans(texts, args.kmeans)
    else:
        names = sorted({str(r["label"]) for r in records})
        labels = [names.index(str(r["label"])) for r in records]
    records = [{"text": t, "cluster": l} for t, l in zip(texts, labels)]
    K = len(set(labels))
    print(versions(), len(texts), "texts", K, "topics")
    for name, options, vectorizer, ctfidf in [
        ("defaults", [], {}, {}),
        ("stop words", ["--stop-words", "english"], {"stop_words": "english"}, {}),
        ("1,2-grams, min_df 2, max_df 0.9, bm25, reduced",
         ["--ngram-range", "1,2", "--min-df", "2", "--max-df", "0.9", "--bm25", "--reduce-frequent-words"],
         {"ngram_range": (1, 2), "min_df": 2, "max_df": 0.9}, {"bm25_weighting": True, "reduce_frequent_words": True}),
    ]:
        m = fit(texts, labels, vectorizer, ctfidf, embeddings=embeddings)
        alike, worst = compare(heddle(records, *options), m)
        print(f"{name}: {alike} of {K} topics have the same words, largest difference of a score {worst:.2g}")
    if args.embeddings:
        for r, v in zip(records, embeddings):
            r["embedding"] = [float(x) for x in v]
        chains = {"Main": KeyBERTInspired(), "mmr": MaximalMarginalRelevance(diversity=0.3)}
        fit_chains = lambda: fit(texts, labels, {"stop_words": "english"}, representation=chains, embedder=embedder,
                                 embeddings=embeddings)
        ours = heddle(records, "-m", os.environ["MINILM"], "--stop-words", "english", "--representation", "keybert",
                      "--aspect", "mmr=mmr", "--diversity", "0.3")
        for ties in ("as they fall", "settled as here"):
            if ties != "as they fall":
                BERTopic._top_n_idx_sparse = staticmethod(settle_ties)
                np.argsort = lambda a, axis=-1, **_: argsort(a, axis, kind="stable")
            m = fit_chains()
            for aspect in (None, "mmr"):
                print(f"ties {ties}, {aspect or 'keybert'}: %d of {K} topics have the same words, largest difference %.2g"
                      % compare(ours, m, aspect, 1e-5))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        make()
    elif sys.argv[1] == "--corpora":
        corpora(sys.argv[2])
    else:
        p = argparse.ArgumentParser()
        p.add_argument("--check", dest="files", nargs="+")
        p.add_argument("--text-key", default="text")
        p.add_argument("--label-key", default="label")
        p.add_argument("--kmeans", type=int, default=0)
        p.add_argument("--limit", type=int, default=0)
        p.add_argument("--embeddings", action="store_true")
        check(p.parse_args())
