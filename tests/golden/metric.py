#!/usr/bin/env python3
"""Metrics by their reference implementations.

    metric.py golden            write tests/golden/metric/NAME.json: few small cases of every metric, for `make check`
    metric.py check [N [NAME]]  compare bin/evaluate with the references on N random cases a metric (10000), in one run each

A family is a list of runs: the options of evaluate, a function that makes a case's records, and one that gives the figures which
the reference computes from them. All cases of a run go through one evaluate --by case. Versions are written into the goldens."""
import importlib.metadata
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
EVALUATE = os.path.join(os.environ.get("HEDDLE_BIN", os.path.join(HERE, "../../bin")), "evaluate")
FAMILIES = {}


def family(name, packages):
    def add(f):
        FAMILIES[name] = (f, packages)
        return f
    return add


# --- classification ----------------------------------------------------------------------------------------------------

def labels_case(r, labels):
    k = r.randint(1, len(labels))
    some, n = r.sample(labels, k), r.choice([1, 2, 3, 5, 8, 13, 40])
    skill = r.choice([0, 0.3, 0.8, 1])
    out = []
    for _ in range(n):
        true = r.choice(some)
        out.append({"reference": true, "prediction": true if r.random() < skill else r.choice(some)})
    return out


def prf(prefix, values):
    return {f"{name}{prefix}": float(v) for name, v in zip(("precision", "recall", "f1"), values)}


def one_label(records, binary):
    from sklearn import metrics as M
    t, p = [x["reference"] for x in records], [x["prediction"] for x in records]
    out = {"accuracy": M.accuracy_score(t, p), "balanced_accuracy": M.balanced_accuracy_score(t, p), "mcc": M.matthews_corrcoef(t, p)}
    out["kappa"] = M.cohen_kappa_score(t, p)
    for average in "micro", "macro", "weighted":
        out |= prf("_" + average, M.precision_recall_fscore_support(t, p, average=average, zero_division=0)[:3])
    labels = sorted(set(t) | set(p))
    for label, *values in zip(labels, *M.precision_recall_fscore_support(t, p, labels=labels, zero_division=0)[:3]):
        out |= prf(f"[{label}]", values)
    if binary is not None:
        out |= prf("", M.precision_recall_fscore_support(t, p, labels=[binary], average="macro", zero_division=0)[:3])
    else:
        out |= {k: out[k + "_macro"] for k in ("precision", "recall", "f1")}
    out["text"] = M.classification_report(t, p, zero_division=0)
    return out


def sets_case(r, labels):
    n = r.choice([1, 2, 5, 12])
    pick = lambda: r.sample(labels, r.choice([0, 1, 1, 2, 3]))
    out = []
    for _ in range(n):
        true = pick()
        out.append({"reference": true, "prediction": true if r.random() < 0.5 else pick()})
    return out


def several_labels(records, labels):
    from sklearn import metrics as M
    matrix = lambda key: np.array([[int(l in x[key]) for l in labels] for x in records])
    t, p = matrix("reference"), matrix("prediction")
    out = {"accuracy": M.accuracy_score(t, p), "hamming_loss": M.hamming_loss(t, p),
           "jaccard": M.jaccard_score(t, p, average="samples", zero_division=0)}
    for average in "micro", "macro", "weighted", "samples":
        out |= prf("_" + average, M.precision_recall_fscore_support(t, p, average=average, zero_division=0)[:3])
    out["text"] = M.classification_report(t, p, target_names=labels, zero_division=0)
    return out


@family("classification", ["scikit-learn"])
def classification():
    strings, numbers = ["b", "neutral", "Ärger", "a,c", "zzzzzzzzzzzzzzzzzzz"], [-1, 0, 2, 10, 11]
    for labels in strings, numbers, [0, 1], [True, False], [-2.0, 0.0, 1.0, 30.0]:
        binary = max(labels) if len(labels) == 2 else None
        yield "", lambda r, l=labels: labels_case(r, l), lambda x, b=binary: one_label(x, b)
    four = ["a", "b", "c", "d"]
    yield "", lambda r: sets_case(r, four), lambda x: several_labels(x, four)


# --- sts -----------------------------------------------------------------------------------------------------------------

def numbers_case(r):
    n, few, same = r.choice([1, 2, 3, 7, 30, 200]), r.random() < 0.3, r.random() < 0.1
    number = lambda: r.randint(0, 3) if few else round(r.gauss(0, 1), 4)
    fixed = number()
    return [{"reference": number(), "prediction": fixed if same else number()} for _ in range(n)]


def correlations(x, y, suffix=""):
    from scipy import stats
    if len(x) < 2:
        return {"pearson" + suffix: math.nan, "spearman" + suffix: math.nan}
    return {"pearson" + suffix: stats.pearsonr(x, y).statistic, "spearman" + suffix: stats.spearmanr(x, y).statistic}


def vectors_case(r):
    n, c = r.choice([2, 5, 20]), r.choice([1, 2, 8])
    vector = lambda: [round(r.gauss(0, 1), 2) for _ in range(c)]
    return [{"reference": r.randint(0, 5), "a": vector(), "b": vector()} for _ in range(n)]


def similarities(records):
    a, b = (np.array([x[k] for x in records], dtype=np.float32).astype(np.float64) for k in "ab")
    y = [x["reference"] for x in records]
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.divide((a * b).sum(1), norms, out=np.zeros(len(a)), where=norms > 0)
    out = correlations(cosine, y, "_cosine") if a.shape[1] > 1 else {}  # of one dimension only +-1 to the last bit
    out |= correlations((a * b).sum(1), y, "_dot") | correlations(-np.linalg.norm(a - b, axis=1), y, "_euclidean")
    return out | correlations(-np.abs(a - b).sum(1), y, "_manhattan")


@family("sts", ["scipy"])
def sts():
    yield "", numbers_case, lambda x: correlations([i["prediction"] for i in x], [i["reference"] for i in x])
    yield "--embedding-keys a,b", vectors_case, similarities


# --- seqeval -------------------------------------------------------------------------------------------------------------

def tags_case(r, prefixes, suffix):
    types, out = ["PER", "LOC", "a-b", "Ü"][:r.randint(1, 4)], []
    tag = lambda p: p if p == "O" or p in "BIES" and r.random() < 0.02 else (f"{r.choice(types)}-{p}" if suffix else f"{p}-{r.choice(types)}")
    for _ in range(r.choice([1, 2, 4, 20])):
        true = [tag(r.choice(prefixes)) for _ in range(r.choice([1, 2, 5, 12]))]
        predicted = [t if r.random() < 0.7 else tag(r.choice(prefixes)) for t in true]
        out.append({"reference": true, "prediction": predicted})
    return out


def entities(records, suffix=False, scheme=None):
    from seqeval import metrics as M, scheme as S
    t, p = [x["reference"] for x in records], [x["prediction"] for x in records]
    how = dict(suffix=suffix, zero_division=0)
    if scheme:
        how |= dict(mode="strict", scheme=getattr(S, scheme) if scheme != "auto" else None)
    f = [M.precision_score, M.recall_score, M.f1_score]
    out = {"accuracy": M.accuracy_score(t, p)} | prf("", [g(t, p, average="micro", **how) for g in f])
    try:
        text = M.classification_report(t, p, **how)
    except ValueError:  # no entity at all
        return out
    for average in "macro", "weighted":
        out |= prf("_" + average, [g(t, p, average=average, **how) for g in f])
    for name, row in M.classification_report(t, p, output_dict=True, **how).items():
        if not name.endswith(" avg"):
            out |= prf(f"[{name}]", list(row.values())[:3])
    return out | {"text": text}


@family("seqeval", ["seqeval"])
def seqeval():
    for prefixes in "OBI", "OBIES", "OI", "OIE", "OBILU":
        for suffix in False, True:
            yield "--suffix" * suffix, lambda r, p=prefixes, s=suffix: tags_case(r, p, s), lambda x, s=suffix: entities(x, s)
    for scheme, prefixes in {"IOB1": "IOB", "IOB2": "IOB", "IOE1": "IOE", "IOE2": "IOE", "IOBES": "IOBES", "BILOU": "BILOU"}.items():
        for suffix in False, True:
            yield (f"--strict --scheme {scheme}" + " --suffix" * suffix, lambda r, p=prefixes, s=suffix: tags_case(r, p, s),
                   lambda x, s=suffix, c=scheme: entities(x, s, c))
    yield "--strict", lambda r: tags_case(r, "IOB", False), lambda x: entities(x, False, "IOB2")


# --- bleu, chrf, ter -----------------------------------------------------------------------------------------------------

WORDS = ("the a cat sat on mat . , The dog's ran; 3.14 1,000 10-20 x-ray &amp; &quot;hi&quot; (hi) <skipped> Straße 你好 世界。 「テスト」 "
         "naïve café\u00a0noir $5 50% «oui» e.g. U.S. ... -- it's don't ОН ΣΟΦΟΣ ½ ² x² a_b ~ @ ' 's \u2028 ＡＢＣ？ ひらがな カタカナ ㋿").split(" ")
SIMPLE = "a b c d e f".split()


def sentence(r, words, n):
    return r.choice(["", "", " "]) + "".join(r.choice(words) + r.choice([" ", " ", " ", " ", "", "  ", "\t"]) for _ in range(n))


def edited(r, text, words):
    parts = text.split(" ")
    for _ in range(r.choice([0, 1, 2, 5])):
        i = r.randrange(len(parts))
        what = r.random()
        if what < 0.3:
            parts[i] = r.choice(words)
        elif what < 0.5:
            del parts[i]
        elif what < 0.7:
            parts.insert(i, r.choice(words))
        else:
            j = min(len(parts), i + r.randint(1, 4))
            cut, rest = parts[i:j], parts[:i] + parts[j:]
            k = r.randint(0, len(rest))
            parts = rest[:k] + cut + rest[k:]
        if not parts:
            parts = [""]
    return " ".join(parts)


def translations_case(r, most=25):
    words, out, several = r.choice([WORDS, WORDS, SIMPLE]), [], r.choice([1, 1, 2, 3])
    for _ in range(r.choice([1, 1, 2, 5])):
        text = sentence(r, words, r.choice([0, 1, 2, 4, 9, most]))
        refs = [edited(r, text, words) if i == 0 or r.random() < 0.5 else sentence(r, words, r.choice([0, 3, 9])) for i in range(several)]
        out.append({"prediction": text, "reference": refs[0] if several == 1 else refs})
    return out


def references(records):
    all_ = [x["reference"] if isinstance(x["reference"], list) else [x["reference"]] for x in records]
    return [x["prediction"] for x in records], [list(x) for x in zip(*all_)]


def bleu_of(records, **how):
    from sacrebleu.metrics import BLEU
    b = BLEU(force=True, **how)
    s = b.corpus_score(*references(records))
    return {"bleu": s.score, "brevity_penalty": s.bp, "ratio": s.ratio, "hyp_len": s.sys_len, "ref_len": s.ref_len} | {
        f"precision_{i + 1}": p for i, p in enumerate(s.precisions)}


@family("bleu", ["sacrebleu"])
def bleu():
    for tokenize in "13a", "intl", "char", "zh", "none":
        yield f"--bleu-tokenizer {tokenize}", translations_case, lambda x, t=tokenize: bleu_of(x, tokenize=t)
    yield "--lowercase --effective-order", translations_case, lambda x: bleu_of(x, lowercase=True, effective_order=True)
    for smooth, value in ("floor", None), ("floor", 0.5), ("add-k", None), ("add-k", 2.5), ("none", None):
        args = f"--smooth {smooth}" + (f" --smooth-value {value}" if value else "")
        yield args, translations_case, lambda x, s=smooth, v=value: bleu_of(x, smooth_method=s, smooth_value=v)


def chrf_of(records, name="chrf", **how):
    from sacrebleu.metrics import CHRF
    return {"score": CHRF(**how).corpus_score(*references(records)).score}


@family("chrf", ["sacrebleu"])
def chrf():
    yield "", translations_case, chrf_of
    yield "--lowercase --whitespace", translations_case, lambda x: chrf_of(x, lowercase=True, whitespace=True)
    yield "--char-order 3 --word-order 1 --beta 3", translations_case, lambda x: chrf_of(x, char_order=3, word_order=1, beta=3)


@family("chrf++", ["sacrebleu"])
def chrf_plus():
    yield "", translations_case, lambda x: chrf_of(x, word_order=2)


def ter_of(records, **how):
    from sacrebleu.metrics import TER
    s = TER(**how).corpus_score(*references(records))
    return {"ter": s.score, "edits": s.num_edits, "ref_length": s.ref_length}


def ter_case(r):
    if r.random() < 0.05:  # beyond beam and shift distance
        words = [str(i) for i in range(r.choice([5, 40]))]
        text = " ".join(r.choice(words) for _ in range(r.choice([40, 90])))
        return [{"prediction": text, "reference": edited(r, edited(r, text, words), words) if r.random() < 0.7 else text[:len(text) // 40]}]
    return translations_case(r)


@family("ter", ["sacrebleu"])
def ter():
    yield "", ter_case, ter_of
    yield "--normalized", translations_case, lambda x: ter_of(x, normalized=True)
    yield "--no-punct --case-sensitive", translations_case, lambda x: ter_of(x, no_punct=True, case_sensitive=True)
    yield ("--normalized --no-punct --asian", translations_case,
           lambda x: ter_of(x, normalized=True, no_punct=True, asian_support=True))


# --- rouge ---------------------------------------------------------------------------------------------------------------

ENDINGS = ["", "s", "es", "ies", "ed", "ing", "eed", "ied", "ational", "tional", "enci", "izer", "bli", "alli", "entli", "eli", "ousli",
           "ization", "ation", "ator", "alism", "iveness", "fulness", "ousness", "aliti", "iviti", "biliti", "fulli", "logi", "icate", "ative",
           "alize", "iciti", "ical", "ful", "ness", "al", "ance", "er", "ic", "able", "ant", "ement", "ment", "ent", "ion", "sion", "tion",
           "ou", "ism", "iti", "ous", "ive", "ize", "e", "ll", "y", "yy", "sses", "ss", "atting", "bling", "izing", "oppy"]


def invented(r):
    if r.random() < 0.1:
        return r.choice("sky skies dying lying news innings outing cannings howe proceed Exceed succeed K\u212aelvin \u0130stanbul x2 3rd".split())
    return "".join(r.choice("bcdlstyaeiou") for _ in range(r.randint(1, 5))) + r.choice(ENDINGS)


def summaries_case(r):
    words = [invented(r) for _ in range(r.choice([4, 12, 40]))]
    out, several = [], r.choice([1, 1, 2])
    for _ in range(r.choice([1, 2, 4])):
        text = " ".join(r.choice(words) + r.choice(["", "", "", ".\n", ",", "\n", "\n\n"]) for _ in range(r.choice([0, 1, 3, 10, 30])))
        refs = [edited(r, edited(r, text, words), words) for _ in range(several)]
        out.append({"prediction": text, "reference": refs[0] if several == 1 else refs})
    return out


def rouge_of(records, stemmer):
    from rouge_score import rouge_scorer
    types = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    scorer = rouge_scorer.RougeScorer(types, use_stemmer=stemmer)
    scores = [scorer.score_multi(x["reference"] if isinstance(x["reference"], list) else [x["reference"]], x["prediction"]) for x in records]
    out = {}
    for t in types:
        for suffix, field in ("", "fmeasure"), ("_precision", "precision"), ("_recall", "recall"):
            out[t + suffix] = np.mean([getattr(s[t], field) for s in scores])
    return out


@family("rouge", ["rouge-score", "nltk"])
def rouge():
    yield "", summaries_case, lambda x: rouge_of(x, False)
    yield "--stemmer", summaries_case, lambda x: rouge_of(x, True)


# --- answers, edits, meteor, pass@k, retrieval ----------------------------------------------------------------------------

ANSWERS = "the The a an A's answer, answer 42 42. «the» the’cat Über über theater 'an' a-the x_y , . ".split(" ")


def answers_case(r):
    answer = lambda: " ".join(r.choice(ANSWERS) for _ in range(r.choice([0, 1, 1, 2, 3, 6])))
    out = []
    for _ in range(r.choice([1, 2, 6])):
        p = answer()
        refs = [edited(r, p, ANSWERS) if r.random() < 0.6 else answer() for _ in range(r.choice([1, 1, 3]))]
        out.append({"prediction": p, "reference": refs[0] if len(refs) == 1 else refs})
    return out


@family("exact_match", ["numpy"])
def exact_match():
    as_list = lambda x: x if isinstance(x, list) else [x]
    yield "", answers_case, lambda x: {"score": np.mean([i["prediction"] in as_list(i["reference"]) for i in x])}


def squad_of(records):  # evaluate-v1.1.py, github.com/rajpurkar/SQuAD-explorer
    import collections
    import string

    def normal(s):
        s = "".join(c for c in s.lower() if c not in set(string.punctuation))
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", s).split())

    def f1(p, t):
        p, t = normal(p).split(), normal(t).split()
        same = sum((collections.Counter(p) & collections.Counter(t)).values())
        if same == 0:
            return 0
        return (2 * (1.0 * same / len(p)) * (1.0 * same / len(t))) / (1.0 * same / len(p) + 1.0 * same / len(t))

    total = em = 0
    for x in records:
        refs = x["reference"] if isinstance(x["reference"], list) else [x["reference"]]
        em += max(normal(x["prediction"]) == normal(t) for t in refs)
        total += max(f1(x["prediction"], t) for t in refs)
    return {"exact_match": 100.0 * em / len(records), "f1": 100.0 * total / len(records)}


@family("squad", ["numpy"])
def squad():
    yield "", answers_case, squad_of


def one_reference_case(r):
    out = []
    for x in translations_case(r):
        ref = x["reference"] if isinstance(x["reference"], str) else x["reference"][0]
        out.append({"prediction": x["prediction"], "reference": ref if ref.strip() else "nothing"})
    return out


def edit_of(records):
    from rapidfuzz.distance import Levenshtein as L
    return {"distance": np.mean([L.distance(x["prediction"], x["reference"]) for x in records]),
            "normalized_distance": np.mean([L.normalized_distance(x["prediction"], x["reference"]) for x in records])}


@family("edit", ["rapidfuzz"])
def edit():
    yield "", one_reference_case, edit_of


def rate(name):
    def f(records):
        import jiwer
        refs, hyps = [x["reference"] for x in records], [x["prediction"] for x in records]
        o = (jiwer.process_words if name == "wer" else jiwer.process_characters)(refs, hyps)
        return {name: getattr(o, name), "edits": o.substitutions + o.deletions + o.insertions,
                "ref_len": o.hits + o.substitutions + o.deletions}
    return f


@family("wer", ["jiwer"])
def wer():
    yield "", one_reference_case, rate("wer")


@family("cer", ["jiwer"])
def cer():
    yield "", one_reference_case, rate("cer")


def meteor_of(records):
    from nltk.translate.meteor_score import meteor_score

    class NoWordNet:
        synsets = staticmethod(lambda word: [])

    refs = lambda x: x["reference"] if isinstance(x["reference"], list) else [x["reference"]]
    return {"score": np.mean([meteor_score([t.split() for t in refs(x)], x["prediction"].split(), wordnet=NoWordNet) for x in records])}


@family("meteor", ["nltk"])
def meteor():
    yield "", lambda r: r.choice([summaries_case, translations_case])(r), meteor_of


def pass_case(r):
    return [{"prediction": [r.choice([True, False, 1, 0]) for _ in range(r.randint(1, 25))]} for _ in range(r.choice([1, 3, 8]))]


def pass_of(records):  # human_eval/evaluation.py
    def estimate(n, c, k):
        if n - c < k:
            return 1.0
        return 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))
    out = {}
    for k in 1, 2, 10:
        counts = [(len(x["prediction"]), sum(map(int, x["prediction"]))) for x in records]
        out[f"pass@{k}"] = np.mean([estimate(n, c, k) for n, c in counts]) if min(n for n, _ in counts) >= k else math.nan
    return out


@family("pass@k", ["numpy"])
def pass_at_k():
    yield "--k 1,2,10", pass_case, pass_of


def retrieval_case(r):
    out = []
    for _ in range(r.choice([1, 2, 6])):
        ids = [f"d{i}" for i in range(r.choice([3, 15, 40]))]
        hits = r.sample(ids, r.randint(0, len(ids)))
        relevant = r.sample(ids, r.randint(1, min(len(ids), 12)))
        kind = r.random()
        out.append({"prediction": [{"id": h, "score": 1} for h in hits] if kind < 0.3 else hits,
                    "reference": relevant[0] if len(relevant) == 1 and kind < 0.5 else relevant})
    return out


def retrieval_of(records):
    from sentence_transformers.evaluation import InformationRetrievalEvaluator as E
    ks = [1, 3, 5, 10]
    refs = [x["reference"] if isinstance(x["reference"], list) else [x["reference"]] for x in records]
    e = E({str(i): "" for i in range(len(records))}, {"d0": ""}, {str(i): set(t) for i, t in enumerate(refs)}, mrr_at_k=ks, ndcg_at_k=ks,
          accuracy_at_k=ks, precision_recall_at_k=ks, map_at_k=ks)
    hits = [[{"corpus_id": h["id"] if isinstance(h, dict) else h, "score": -float(j)} for j, h in enumerate(x["prediction"])] for x in records]
    m = e.compute_metrics(hits)
    return {f"{name}@{k}": m[f"{name}@k"][k] for name in ("ndcg", "mrr", "map", "accuracy", "precision", "recall") for k in ks}


@family("retrieval", ["sentence-transformers"])
def retrieval():
    yield "", retrieval_case, retrieval_of


# --- scores, pairs -------------------------------------------------------------------------------------------------------

def scores_case(r, labels, form, probabilities=True):
    n, out, few = r.choice([1, 2, 5, 20, 60]), [], r.random() < 0.3
    for i in range(n):
        true = labels[i % len(labels)] if n >= len(labels) and form != "one" else r.choice(labels)
        if form == "one":
            s = r.choice([0, 0.25, 0.5, 1]) if few else round(r.random(), 6)
            score = s if probabilities else round(r.gauss(0, 3), 3)
        else:
            w = [r.random() for _ in labels]
            p = [x / sum(w) for x in w]
            named = list(zip(labels, p))
            score = (p if form == "ordered" else {str(l): x for l, x in named} if form == "object"
                     else [{"label": l, "score": x} for l, x in sorted(named, key=lambda t: -t[1])])
        out.append({"reference": true, "s": score})
    return out


def calibration(p, y, bins=15):
    confidence, correct = p.max(1), p.argmax(1) == y
    edges, ece = np.arange(1, bins + 1) / bins, 0
    which = np.minimum(np.searchsorted(edges, confidence), bins - 1)
    for b in range(bins):
        if (which == b).any():
            ece += abs(correct[which == b].mean() - confidence[which == b].mean()) * (which == b).mean()
    return ece


def scores_of(records, labels, probabilities=True):
    from sklearn import metrics as M
    y = np.array([labels.index(x["reference"]) for x in records])

    def row(s):
        if not isinstance(s, (list, dict)):
            return [1 - s, s]
        if isinstance(s, dict):
            return [s[str(l)] for l in labels]
        if isinstance(s[0], dict):
            return [{str(e["label"]): e["score"] for e in s}[str(l)] for l in labels]
        return s

    p = np.array([row(x["s"]) for x in records], dtype=float)
    out = {}
    if len(labels) == 2:
        out["roc_auc"] = M.roc_auc_score(y, p[:, 1]) if len(set(y)) == 2 else math.nan
        out["average_precision"] = M.average_precision_score(y, p[:, 1])
    elif len(set(y)) == len(labels):
        out["roc_auc"] = M.roc_auc_score(y, p, multi_class="ovr")
        out["average_precision"] = M.average_precision_score(y, p)
    if probabilities:
        every = list(range(len(labels)))
        out["log_loss"] = M.log_loss(y, p if len(labels) > 2 else p[:, 1], labels=every)
        out["brier"] = M.brier_score_loss(y, p[:, 1]) if len(labels) == 2 else M.brier_score_loss(y, p, labels=every)
        out["ece"] = calibration(p, y)
    else:
        out |= {"log_loss": math.nan, "brier": math.nan, "ece": math.nan}
    return out


@family("scores", ["scikit-learn"])
def scores():
    three = ["a", "b", "c"]
    for labels, form in ([0, 1], "one"), (["no", "yes"], "one"), (three, "ordered"), (three, "object"), (three, "list"), ([0, 1, 2, 3], "object"):
        yield "--score-key s", lambda r, l=labels, f=form: scores_case(r, l, f), lambda x, l=labels: scores_of(x, l)
    yield "--score-key s", lambda r: scores_case(r, [0, 1], "one", False), lambda x: scores_of(x, [0, 1], False)


def pairs_of(x, y, more, suffix=""):
    from sentence_transformers.sentence_transformer.evaluation.binary_classification import BinaryClassificationEvaluator as E
    from sklearn import metrics as M
    x, y = np.asarray(x), np.asarray(y)
    accuracy, at = E.find_best_acc_and_threshold(x, y, more)
    f1, precision, recall, f1_at = E.find_best_f1_and_threshold(x, y, more)
    predicted = x >= f1_at if more else x <= f1_at
    out = {"ap": M.average_precision_score(y, x * (1 if more else -1)), "accuracy": accuracy, "accuracy_threshold": at, "f1": f1,
           "precision": precision, "recall": recall, "f1_threshold": f1_at, "mcc": M.matthews_corrcoef(y, predicted)}
    return {k + suffix: v for k, v in out.items()}


def pair_vectors(records):
    a, b = (np.array([x[k] for x in records], dtype=np.float32).astype(np.float64) for k in "ab")
    y = [int(x["reference"]) for x in records]
    return pairs_of((a * b).sum(1), y, True, "_dot") | pairs_of(np.abs(a - b).sum(1), y, False, "_manhattan")


@family("pairs", ["sentence-transformers", "scikit-learn"])
def pairs():
    few = lambda r: r.choice([lambda: r.randint(0, 4), lambda: round(r.gauss(0, 1), 3)])
    def case(r):
        number = few(r)
        return [{"reference": r.choice([0, 1, True, False]), "prediction": number()} for _ in range(r.choice([2, 3, 8, 30]))]
    yield "", case, lambda x: pairs_of([i["prediction"] for i in x], [int(i["reference"]) for i in x], True)
    yield ("--embedding-keys a,b", lambda r: [x | {"reference": r.choice([0, 1])} for x in vectors_case(r)], pair_vectors)


# --- clusters ------------------------------------------------------------------------------------------------------------

def clusters_case(r):
    n, k, c = r.choice([1, 2, 3, 10, 50]), r.randint(1, 6), r.randint(1, 6)
    skill = r.choice([0, 0.7, 1])
    out = []
    for _ in range(n):
        true = r.randrange(c)
        out.append({"reference": f"c{true}", "prediction": true if r.random() < skill else r.randrange(k) - 1})
    return out


def clusters_of(records):
    from sklearn.metrics import cluster as C
    t, p = [x["reference"] for x in records], [x["prediction"] for x in records]
    h, c, v = C.homogeneity_completeness_v_measure(t, p)
    return {"ami": C.adjusted_mutual_info_score(t, p), "ari": C.adjusted_rand_score(t, p), "nmi": C.normalized_mutual_info_score(t, p),
            "homogeneity": h, "completeness": c, "v_measure": v,
            "purity": C.contingency_matrix(t, p).max(0).sum() / len(t)}


@family("clustering", ["scikit-learn"])
def clustering():
    yield "", clusters_case, clusters_of


def space_case(r):
    k, c = r.randint(1, 5), r.randint(1, 4)
    centres = [[r.gauss(0, 4) for _ in range(c)] for _ in range(k)]
    out = []
    for _ in range(r.choice([4, 8, 20, 40])):
        i = r.randrange(k)
        out.append({"prediction": i, "embedding": [round(x + r.gauss(0, 1), 4) for x in centres[i]]})
    return out


def space_of(records):
    from hdbscan.validity import validity_index
    from sklearn import metrics as M
    x = np.array([i["embedding"] for i in records], dtype=np.float32).astype(np.float64)
    y = np.array([i["prediction"] for i in records])
    k = len(set(y))
    if not 2 <= k < len(y):
        out = {"silhouette": math.nan, "davies_bouldin": math.nan, "calinski_harabasz": math.nan}
    else:
        out = {"silhouette": M.silhouette_score(x, y), "davies_bouldin": M.davies_bouldin_score(x, y),
               "calinski_harabasz": M.calinski_harabasz_score(x, y)}
    if k >= 2 and np.bincount(y)[np.unique(y)].min() > 1:
        out["dbcv"] = validity_index(x, y)
    return out


def only_dbcv(records):
    from hdbscan.validity import validity_index
    x = np.array([i["embedding"] for i in records], dtype=np.float32).astype(np.float64)
    y = np.array([i["prediction"] for i in records])
    kept = np.unique(y[y >= 0])
    return {"dbcv": validity_index(x, y)} if len(kept) >= 2 and np.bincount(y[y >= 0])[kept].min() > 1 else {}


@family("clustering_space", ["scikit-learn", "hdbscan"])
def clustering_space():
    for c in 1, 2, 4:
        def same_size(r, c=c, noise=False):
            while True:
                case = space_case(r)
                if len(case[0]["embedding"]) == c:
                    break
            if noise:
                case += [{"prediction": -1, "embedding": [round(r.gauss(0, 5), 4) for _ in range(c)]} for _ in range(3)]
            return case
        yield "", same_size, space_of
        yield "", lambda r, f=same_size: f(r, noise=True), only_dbcv


def trust_case(r):
    n, c = r.choice([12, 20, 40]), r.choice([3, 6])
    x = [[round(r.gauss(0, 1), 5) for _ in range(6)] for _ in range(n)]
    return [{"e": v, "x": [round(v[0] + 0.3 * r.gauss(0, 1), 5), round(v[1], 5)]} for v in x]


def trust_of(records):
    from sklearn.manifold import trustworthiness
    a, b = (np.array([x[k] for x in records], dtype=np.float32).astype(np.float64) for k in "ex")
    return {"score": trustworthiness(a, b, n_neighbors=3)}


@family("trustworthiness", ["scikit-learn"])
def trust():
    yield "--embedding-keys e,x --neighbors 3", trust_case, trust_of


# --- bertscore: float32, so to 1e-5 -----------------------------------------------------------------------------------------

MODEL = "all-MiniLM-L6-v2"
# scikit-learn has distances from products of vectors, which lose digits between near ones
TOLERANCE = {"bertscore": 1e-5, "clustering_space": 1e-9}


def sentences_case(r):
    words = "the a cat sat on mat quickly Überraschung 42 running runner dogs unbelievable , . !".split()
    out, several = [], r.choice([1, 1, 2])
    for _ in range(r.choice([1, 2, 4])):
        text = " ".join(r.choice(words) for _ in range(r.choice([0, 1, 3, 8, 20])))
        refs = [edited(r, text, words) if r.random() < 0.7 else " ".join(r.choice(words) for _ in range(6)) for _ in range(several)]
        out.append({"prediction": text, "reference": refs[0] if several == 1 else refs})
    return out


def bertscore_of(records, layer, scorers={}):
    import bert_score
    import torch
    torch.set_num_threads(1)
    if layer not in scorers:
        path = os.path.join(os.environ["HEDDLE_MODELS"], MODEL)
        scorers[layer] = bert_score.BERTScorer(model_type=path, num_layers=layer, device="cpu")
        tokenizer = scorers[layer]._tokenizer
        tokenizer.model_max_length = 512
        tokenizer.__class__.build_inputs_with_special_tokens = lambda self, _: [self.cls_token_id, self.sep_token_id]  # gone in transformers 5
    refs = [x["reference"] if isinstance(x["reference"], list) else [x["reference"]] for x in records]
    # one pair at a time: of a batch, padding takes part in bert-score's maxima, with 0
    rows = []
    for x, group in zip(records, refs):
        each = [[float(v[0]) for v in scorers[layer].score([x["prediction"]], [t])] for t in group]
        rows.append(np.max(each, axis=0))
    p, q, f = np.mean(rows, axis=0)
    return {"precision": p, "recall": q, "f1": f}


@family("bertscore", ["bert-score", "transformers"])
def bertscore():
    for layer in 3, 6:
        yield f"-m {MODEL} --layer {layer}", sentences_case, lambda x, l=layer: bertscore_of(x, l)


# --- topics: a case is a whole run, as units are topics -------------------------------------------------------------------

def topics_case(r):
    vocabulary = [f"w{i:02d}" for i in range(r.choice([8, 20, 40]))]
    words = r.choice([2, 3, 5, 10])
    topics = [r.sample(vocabulary + ["nowhere"], min(words, len(vocabulary))) for _ in range(r.choice([1, 2, 4]))]
    texts = [[r.choice(vocabulary) for _ in range(r.choice([0, 1, 5, 9, 10, 11, 30, 109, 110, 111, 200]))] for _ in range(r.choice([1, 3, 8]))]
    return topics, texts


def coherence_of(topics, texts):
    from gensim.corpora import Dictionary
    from gensim.models import CoherenceModel
    d = Dictionary(texts)
    if any(not any(w in d.token2id for w in t) for t in topics):
        return None
    return {name: CoherenceModel(topics=topics, texts=texts, dictionary=d, coherence=measure, processes=1).get_coherence()
            for name, measure in {"c_v": "c_v", "npmi": "c_npmi", "uci": "c_uci", "umass": "u_mass"}.items()}


def rbo(a, b, p=0.9):  # rbo.py of dlukes, which OCTIS carries
    s, l = sorted((a, b), key=len)
    s, l = len(s), len(l)
    x = lambda d: len(set(a[:d]) & set(b[:d]))
    agreement = lambda d: 2 * x(d) / (len(a[:d]) + len(b[:d]))
    sum1 = sum(p ** d * agreement(d) for d in range(1, l + 1))
    sum2 = sum(p ** d * x(s) * (d - s) / s / d for d in range(s + 1, l + 1))
    return (1 - p) / p * (sum1 + sum2) + p ** l * ((x(l) - x(s)) / l + x(s) / s)


def diversity_of(topics):
    import itertools
    scores = [rbo(a, b) for a, b in itertools.combinations(topics, 2)]
    return {"diversity": len(set().union(*topics)) / sum(map(len, topics)), "inverted_rbo": 1 - np.mean(scores) if scores else math.nan}


def topics_report(topics):
    return {"topics": [{"topic": -1, "count": 1, "words": [{"word": "x", "score": 1}]}] + [
        {"topic": j, "count": 1, "words": [{"word": w, "score": 1} for w in t]} for j, t in enumerate(topics)]}


def topics_cases(n, seed="topics"):
    """Topics, records (of every other case tokens, not text), figures of each metric; cases that gensim refuses are left out."""
    for i in range(n):
        topics, texts = topics_case(random.Random(f"{seed}/{i}"))
        coherence = coherence_of(topics, texts)
        if coherence is not None:
            yield i, topics, [{"text": t if i % 2 else " ".join(t)} for t in texts], coherence, diversity_of(topics)


def check_topics(n):
    bad = total = 0
    with tempfile.TemporaryDirectory() as folder:
        report, records = os.path.join(folder, "topics.json"), os.path.join(folder, "records.jsonl")
        for i, topics, texts, coherence, diversity in topics_cases(n):
            want = coherence | diversity
            with open(report, "w") as f:
                json.dump(topics_report(topics), f)
            with open(records, "w") as f:
                f.writelines(json.dumps(t) + "\n" for t in texts)
            out = subprocess.run([EVALUATE, "--metric", "coherence,diversity", "--topics", report, "--output-format", "json", records],
                                 check=True, stdout=subprocess.PIPE).stdout
            m = json.loads(out)["metrics"]
            got = m["coherence"] | m["diversity"]
            for k, v in want.items():
                total += 1
                if not near(got[k], plain(v)):
                    bad += 1
                    if bad < 6:
                        print(f"topics case {i}: {k} is {got[k]!r}, reference {v!r}: {topics} {str(texts)[:300]}")
    print(f"coherence, diversity: {n} cases, {total} figures, {bad} differ by more than 1e-12", flush=True)
    return bad


# --- comparing ---------------------------------------------------------------------------------------------------------

def plain(v):
    """As JSON: numbers, NaN and infinity null."""
    if isinstance(v, str):
        return v
    v = float(v)
    return v if math.isfinite(v) else None


def make(seed, n, make_case, reference):
    cases = []
    for i in range(n):
        records = make_case(random.Random(f"{seed}/{i}"))
        cases.append({"records": records, "expect": {k: plain(v) for k, v in reference(records).items()}})
    return cases


def run(name, args, cases):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        for i, c in enumerate(cases):
            for record in c["records"]:
                f.write(json.dumps({"case": i, **record}, ensure_ascii=False) + "\n")
        f.flush()
        command = [EVALUATE, "--metric", name, "--by", "case", *args.split(), f.name]
        got = json.loads(subprocess.run([*command, "--output-format", "json"], check=True, stdout=subprocess.PIPE).stdout)
        text = None
        if any("text" in c["expect"] for c in cases):
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()
            text = re.split(r"\ncase = \d+\n", text)[1:]
    return [got["groups"][str(i)][name] for i in range(len(cases))], text


def near(a, b, tolerance=1e-12):
    if a is None or b is None:
        return a is b
    return a == b or abs(a - b) <= tolerance * max(1, abs(a), abs(b))


def check(name, n):
    f, _ = FAMILIES[name]
    runs = list(f())
    bad = exact = total = 0
    for j, (args, make_case, reference) in enumerate(runs):
        cases = make(f"{name}{j}", max(1, n // len(runs)), make_case, reference)
        figures, text = run(name, args, cases)
        for i, c in enumerate(cases):
            for k, v in c["expect"].items():
                got = text[i] if k == "text" else figures[i].get(k, "nothing")
                right = got == v if k == "text" or isinstance(got, str) else near(got, v, TOLERANCE.get(name, 1e-12))
                total += 1
                exact += got == v
                if not right:
                    bad += 1
                    if bad <= 5:
                        print(f"{name} {args!r} case {i}: {k} is {got!r}, reference {v!r}\n  {json.dumps(c['records'], ensure_ascii=False)[:500]}")
    cases = max(1, n // len(runs)) * len(runs)
    print(f"{name}: {cases} cases, {total} figures, {exact} equal to the last bit, {bad} differ by more than {TOLERANCE.get(name, 1e-12)}", flush=True)
    return bad


TOPICS = {"coherence": ["gensim"], "diversity": ["numpy"]}


def golden_runs(name):
    if name in TOPICS:  # a run a case
        small = lambda records: sum(len(x["text"]) for x in records) < 1000
        cases = [x for x in topics_cases(40, "golden") if small(x[2])][:8]
        return [{"args": "", "topics": topics_report(topics), "cases": [
            {"records": records, "expect": {k: plain(v) for k, v in (c if name == "coherence" else d).items()}}]}
            for _, topics, records, c, d in cases]
    runs = list(FAMILIES[name][0]())
    n = max(4, 40 // len(runs))
    return [{"args": args, "cases": make(f"golden{name}{j}", n, make_case, reference)} for j, (args, make_case, reference) in enumerate(runs)]


def golden(name):
    packages = TOPICS.get(name) or FAMILIES[name][1]
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)
    runs = golden_runs(name)
    with open(os.path.join(HERE, "metric", name + ".json"), "w") as out:
        about = {"metric": name, "by": "tests/golden/metric.py, " + versions}
        about |= {"tolerance": TOLERANCE[name]} if name in TOLERANCE else {}
        about |= {"model": MODEL} if name == "bertscore" else {}
        out.write(json.dumps(about, ensure_ascii=False)[:-1] + ',\n"runs": [')
        for j, x in enumerate(runs):
            about = {k: v for k, v in x.items() if k != "cases"}
            out.write((",\n" if j else "\n") + json.dumps(about)[:-1] + ', "cases": [\n')
            out.write(",\n".join(json.dumps(c, ensure_ascii=False) for c in x["cases"]) + "]}")
        out.write("]}\n")


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else "check"
    if what == "golden":
        for name in sys.argv[2:] or [*FAMILIES, *TOPICS]:
            golden(name)
        return 0
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    names = sys.argv[3:] or [*FAMILIES, "topics"]
    return min(1, sum(check_topics(n) if name == "topics" else check(name, n) for name in names))


sys.exit(main())
