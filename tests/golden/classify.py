#!/usr/bin/env python3
"""Goldens of classify.

    classify.py logistic OUT    logistic.json: scikit-learn's LogisticRegression and StratifiedKFold
    classify.py models OUT      for each architecture a folder with a tiny model of random weights, and cases.json: texts,
                                pairs and their logits by transformers; zero-shot.tsv: its zero-shot-classification pipeline
    classify.py tokens OUT      the same of token classifiers: entities.json, by its token-classification pipeline
    classify.py compare [N]     the command beside scikit-learn on N random problems (10000), in one run: logistic regression,
                                nearest centroids, temperatures

The optimum is scikit-learn's by newton-cg to 1e-12: its lbfgs stops at ftol 64 eps before that. Versions stand in the file.
"""
import base64, json, os, shutil, subprocess, sys
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import numpy as np

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


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


# --- The command beside scikit-learn ---------------------------------------------------------

def classify(*arguments):
    return subprocess.run([os.path.join(os.environ.get("HEDDLE_BIN", SRC + "/bin"), "classify"), "--threads", "1", *arguments],
                          check=True, stdout=subprocess.PIPE).stdout


def write(path, x, y):
    """As records; every second file has its vectors as base64."""
    with open(path, "w") as f:
        for i, (row, label) in enumerate(zip(x, y)):
            v = json.dumps(base64.b64encode(row.tobytes()).decode()) if i % 2 else json.dumps([float(v) for v in row])
            f.write(json.dumps({"label": label})[:-1] + f', "embedding": {v}' + "}\n")


def problem(r, k, n, c):
    """Clusters that overlap more or less, every label at least once, labels of one JSON type."""
    y = np.concatenate([np.arange(k), r.randint(0, k, n - k)])
    r.shuffle(y)
    x = (r.randn(k, c)[y] * r.choice([0.3, 1, 3]) + r.randn(n, c)).astype(np.float32) * np.float32(r.choice([0.1, 1, 10]))
    names = [[f"label {i}" for i in range(k)], list(range(-1, k - 1)), [i + 0.25 for i in range(k)]][r.randint(3)]
    return x, y, names if k > 2 or r.rand() < 0.5 else [False, True]


def predictions(saved, path, names):
    """Places among the names and scores [n, k], in order of the names."""
    lines = [json.loads(l) for l in classify("--load", saved, "--output-key", "p", "--all-scores", path).splitlines()]
    text = [n if isinstance(n, str) else json.dumps(n) for n in names]
    at = {t: i for i, t in enumerate(text)}
    said = [at[l["p"] if isinstance(l["p"], str) else json.dumps(l["p"])] for l in lines]
    return np.array(said), np.array([[l["p_scores"][t] for t in text] for l in lines])


def compare_logistic(r, folder):
    from safetensors.numpy import load_file
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler
    train, test, saved = (os.path.join(folder, f) for f in ("train.jsonl", "test.jsonl", "saved"))
    k, c = r.randint(2, 7), r.randint(1, 13)
    n = r.randint(max(k, 8), 90)
    x, y, names = problem(r, k, n + 20, c)
    y[:k] = np.arange(k)
    strength, how, standardize = float(10 ** r.uniform(-3, 2)), r.randint(3), r.rand() < 0.3
    weights = {i: float(w) for i, w in enumerate(r.uniform(0.2, 4, k).round(3))}
    write(train, x[:n], [names[i] for i in y[:n]])
    write(test, x, [names[i] for i in y])
    text = [n if isinstance(n, str) else json.dumps(n) for n in names]
    options = [[], ["--class-weight", "balanced"], ["--class-weight", ",".join(f"{t}={weights[i]}" for i, t in enumerate(text))]][how]
    classify("--fit", "--save", saved, "-C", repr(strength), *options, *["--standardize"] * standardize, train)
    z = x.astype(np.float64)
    scaler = StandardScaler().fit(z[:n]) if standardize else None
    m = LogisticRegression(C=strength, solver="newton-cg", tol=1e-10, max_iter=10000, class_weight=[None, "balanced", weights][how])
    z = scaler.transform(z) if scaler else z
    m.fit(z[:n], y[:n])
    w = m.coef_ / scaler.scale_ if scaler else m.coef_
    ours = load_file(saved)["coefficient"]
    want = m.predict_proba(z)
    said, scores = predictions(saved, test, names)
    best = np.sort(want, axis=1)
    sure = best[:, -1] - best[:, -2] > 1e-6
    return {"coefficient": np.abs(ours - w).max() / max(1, np.abs(w).max()), "probability": np.abs(scores - want).max(),
            "prediction": (said != m.predict(z))[sure].sum(), "records": len(y)}


def compare_centroid(r, folder):
    from sklearn.neighbors import NearestCentroid
    from sklearn.preprocessing import normalize
    train, test, saved = (os.path.join(folder, f) for f in ("train.jsonl", "test.jsonl", "saved"))
    k, c = r.randint(2, 9), r.randint(2, 20)
    n = r.randint(k, 60)
    x, y, names = problem(r, k, n + 20, c)
    y[:k] = np.arange(k)
    write(train, x[:n], [names[i] for i in y[:n]])
    write(test, x, [names[i] for i in y])
    classify("--fit", "--method", "centroid", "--save", saved, train)
    z = normalize(x.astype(np.float64))
    want = z @ normalize(NearestCentroid().fit(z[:n], y[:n]).centroids_).T
    said, scores = predictions(saved, test, names)
    best = np.sort(want, axis=1)
    return {"cosine": np.abs(scores - want).max(), "prediction": (said != want.argmax(1))[best[:, -1] - best[:, -2] > 1e-9].sum(), "records": len(y)}


def compare_temperature(r, folder):
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LogisticRegression
    train, held, saved = (os.path.join(folder, f) for f in ("train.jsonl", "held.jsonl", "saved"))
    k, c = r.randint(3, 7), r.randint(1, 13)
    n = r.randint(max(k, 8), 60)
    x, y, names = problem(r, k, n + 60, c)
    y[:k] = y[n:n + k] = np.arange(k)
    strength = float(10 ** r.uniform(-2, 2))
    write(train, x[:n], [names[i] for i in y[:n]])
    write(held, x[n:], [names[i] for i in y[n:]])
    classify("--fit", "--save", saved, "-C", repr(strength), train)
    said = json.loads(classify("--load", saved, "--calibrate", held))
    z = x.astype(np.float64)
    m = LogisticRegression(C=strength, solver="newton-cg", tol=1e-10, max_iter=10000).fit(z[:n], y[:n])
    beta = CalibratedClassifierCV(FrozenEstimator(m), method="temperature", ensemble=False).fit(z[n:], y[n:]).calibrated_classifiers_[0].calibrators[0].beta_
    inside = 1e-3 < beta < 1e3 and said["log_loss"] > 1e-9  # else the least loss is at no end, beyond scikit-learn's, or flat
    return {"temperature": abs(said["temperature"] * beta - 1) if inside else 0, "without one": int(not inside)}


def compare(n):
    import sklearn, tempfile, warnings
    warnings.simplefilter("ignore")
    bounds = {"coefficient": 1e-3, "probability": 1e-3, "cosine": 1e-6, "prediction": 0, "temperature": 1e-3}
    bad = 0
    for name, share, one in [("logistic regression", 0.6, compare_logistic), ("nearest centroid", 0.2, compare_centroid),
                             ("temperature", 0.2, compare_temperature)]:
        worst, sums, count = {}, {}, round(n * share)
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(count):
                got = one(np.random.RandomState(seed), folder)
                if seed % 1000 == 999:
                    print(f"{name}: {seed + 1}", file=sys.stderr)
                for key, value in got.items():
                    worst[key], sums[key] = max(worst.get(key, 0), value), sums.get(key, 0) + value
                    if value > bounds.get(key, np.inf):
                        bad += 1
                        print(f"{name}, seed {seed}: {key} differs by {value:.3g}")
        print(f"{name}: {count} problems beside scikit-learn {sklearn.__version__}; " + ", ".join(
            f"{sums[k]:.0f} {k}" if k in ("records", "without one") else f"{k} at most {v:.2g}" for k, v in worst.items()))
    sys.exit(bad > 0)


VOCAB_TXT = os.path.join(SRC, "tests/golden/embed/bert-odd/vocab.txt")
TEXTS = ["", "a", "The letter was written by my old friend.", "river, stone & cloth: 100%!", "weaver and thread " * 30,
         "one two three seven eight nine ten hundred", "not the best, not the worst", "why? because I said so",
         "  Zoë’s ``naïve''\tCAFÉ ﬁnest\n№ 日本 Ｆull  ▁width <s> [SEP] 🧵 "]
PAIRS = [("The weaver works.", "Someone is at work."), ("", "b"), ("cloth " * 40, "a long premise, a short hypothesis"),
         ("short", "linen and silk " * 30)]


NER_TEXTS = ["The letter was written by my old friend.", "river, stone & cloth: 100%!", "Weaver Zoë met the Müller brothers in Łódź!",
             "a", "one two three seven unbelievable hundred", "x-ray of O'Neill's shuttle 🧵 thread"]
NER_WORDS = [["The", "weaver", "Zoë", "met", "O'Neill", "."], ["unbelievable"], ["one", "🧵", "hundred-and-ten", "stones"]]

FAIRSEQ = dict(pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>", mask_token="<mask>")
BRACKETS = dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
SENTENCEPIECE = {  # how each kind's model was trained, what transformers converts it by, its special tokens
    "xlm-roberta": (dict(), "XLMRobertaConverter", FAIRSEQ),
    "camembert": (dict(), "CamembertConverter", FAIRSEQ),
    "albert": (dict(pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]", "[MASK]"]), "AlbertConverter",
               dict(BRACKETS, pad_token="<pad>", unk_token="<unk>")),
    "deberta-v2": (dict(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]",
                        control_symbols=["[MASK]"]), "DebertaV2Converter", BRACKETS),
}


def sentencepiece_of(kind):
    """A small Unigram model with rules of normalization, as transformers makes a tokenizer.json of it, and its special tokens."""
    import importlib, io, tempfile, types
    import sentencepiece
    trained, converter, special = SENTENCEPIECE[kind]
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules, tempfile.NamedTemporaryFile("wb", suffix=".model") as model:
        rules.write("FB01\t66 69\n9\t20\nA\t20\n3000\t20\nFF26\t46\n2116\t4E 6F\n2019\t27\n")
        rules.flush()
        texts = (TEXTS[2:4] + TEXTS[5:8] + NER_TEXTS + ["weaver and thread", "the cloth of the weavers"]) * 4
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=out, vocab_size=110, hard_vocab_limit=False,
                                                 num_threads=1, minloglevel=2, normalization_rule_tsv=rules.name, **trained)
        model.write(out.getvalue())
        model.flush()
        pieces = sentencepiece.SentencePieceProcessor(model_file=model.name)
        slow = types.SimpleNamespace(vocab_file=model.name, keep_accents=False, do_lower_case=kind == "albert", split_by_punct=False,
                                     convert_tokens_to_ids=lambda t: {"<s>": 0, "</s>": 2}[t] if kind == "xlm-roberta" else
                                     pieces.piece_to_id(t) + 4 * (kind == "camembert"))
        made = getattr(importlib.import_module("transformers.convert_slow_tokenizer"), converter)(slow).converted()
    return made, special


TYPELESS = ("roberta", "xlm-roberta", "mpnet", "distilbert", "modernbert", "camembert")


def tokenizer_of(folder, kind, limit, how="words"):
    """The tokenizer as Hugging Face's tokenizers has it, and its files: WordPiece, byte-level BPE or SentencePiece."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, decoders
    if how == "bytes":
        t = Tokenizer(models.BPE())
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        t.decoder = decoders.ByteLevel()
        from tokenizers import trainers
        t.train_from_iterator((TEXTS + NER_TEXTS) * 3, trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
        t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
        t.save(os.path.join(folder, "tokenizer.json"))
        special = {k: v for k, v in FAIRSEQ.items() if k != "mask_token"}
    elif how == "pieces":
        t, special = sentencepiece_of(kind)
    else:
        vocab = [v for v in open(VOCAB_TXT).read().split("\n") if v]
        shutil.copyfile(VOCAB_TXT, os.path.join(folder, "vocab.txt"))
        t = Tokenizer(models.WordPiece({v: i for i, v in enumerate(vocab)}, unk_token="[UNK]"))
        t.normalizer = normalizers.BertNormalizer(lowercase=True)
        t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        cls, sep = vocab.index("[CLS]"), vocab.index("[SEP]")
        t.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1",
                                                         [("[CLS]", cls), ("[SEP]", sep)])
        special = BRACKETS
    json.dump({"tokenizer_class": "BertTokenizer" if how == "words" else "PreTrainedTokenizerFast", "do_lower_case": True,
               "model_max_length": limit}, open(os.path.join(folder, "tokenizer_config.json"), "w"))
    from transformers import PreTrainedTokenizerFast
    fast = PreTrainedTokenizerFast(tokenizer_object=t, model_max_length=limit, **special,
                                   model_input_names=["input_ids"] + (["attention_mask"] if kind in TYPELESS else
                                                                      ["token_type_ids", "attention_mask"]))
    if how == "pieces":
        fast.backend_tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    return fast


def randomize(model, stored):
    import torch
    with torch.no_grad():  # larger than usual, so that attention is not flat and no bias is zero
        for key, p in model.named_parameters():
            if "norm" in key.lower() and key.endswith("weight"):
                p.copy_(1 + 0.2 * torch.randn_like(p))
            else:
                p.copy_((0.2 if p.dim() > 1 else 0.1) * torch.randn_like(p))
            if "position" in key or "rel_embeddings" in key:
                p.mul_(2)
            p.copy_(p.to(getattr(torch, stored)).float())


def tiny(out, name, kind, task, config, limit, seed, labels=None, stored="float16", how="words"):
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification
    from safetensors.torch import save_file
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    tokenizer = tokenizer_of(folder, kind, limit, how)
    torch.manual_seed(seed)
    labels = labels or ["no", "yes", "perhaps"]
    config = dict(config, vocab_size=len(tokenizer), id2label={i: l for i, l in enumerate(labels)},
                  label2id={l: i for i, l in enumerate(labels)})
    made = AutoConfig.for_model(kind, **config)
    auto = AutoModelForSequenceClassification if task == "sequence" else AutoModelForTokenClassification
    model = auto.from_config(made, attn_implementation="eager").eval()
    randomize(model, stored)
    state = {k: v.to(getattr(torch, stored)).contiguous() for k, v in model.state_dict().items() if v.is_floating_point()}
    save_file(state, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    kept = {"model_type": kind, **config}
    kept.pop("label2id")
    json.dump(kept, open(os.path.join(folder, "config.json"), "w"))
    return folder, tokenizer, model


def logits_of(model, tokenizer, text, pair=None):
    import torch
    x = tokenizer(text, pair, truncation=True, return_tensors="pt")
    with torch.no_grad():
        return [float(v) for v in model(**x).logits[0].double().reshape(-1)]


SEQUENCE = {
    "bert": ("bert", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
             max_position_embeddings=50), 50),
    "bert-multi": ("bert", dict(hidden_size=12, num_hidden_layers=1, num_attention_heads=3, intermediate_size=20,
                   max_position_embeddings=40, problem_type="multi_label_classification"), 40),
    "distilbert": ("distilbert", dict(dim=20, n_layers=2, n_heads=5, hidden_dim=28, max_position_embeddings=40), 40),
    "roberta": ("roberta", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
                max_position_embeddings=66, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1), 64),
    "xlm-roberta": ("xlm-roberta", dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
                    max_position_embeddings=50, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1), 48),
    "electra": ("electra", dict(embedding_size=10, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                intermediate_size=20, max_position_embeddings=40), 40),
    "mpnet": ("mpnet", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
              max_position_embeddings=62, pad_token_id=1), 60),
    "albert": ("albert", dict(embedding_size=10, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
               intermediate_size=20, max_position_embeddings=40, hidden_act="gelu_new"), 40),
    "modernbert": ("modernbert", dict(hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=20,
                   max_position_embeddings=64, local_attention=8, global_attn_every_n_layers=3, classifier_pooling="mean",
                   pad_token_id=1, bos_token_id=0, eos_token_id=2, cls_token_id=0, sep_token_id=2), 64),
    "deberta-v2": ("deberta-v2", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
                   max_position_embeddings=60, relative_attention=True, position_buckets=6, norm_rel_ebd="layer_norm",
                   share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0,
                   max_relative_positions=-1, pooler_hidden_act="gelu", pooler_hidden_size=16), 60),
    "deberta-apart": ("deberta-v2", dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=4, intermediate_size=20,
                      max_position_embeddings=20, relative_attention=True, pos_att_type="c2p|p2c", type_vocab_size=2,
                      pooler_hidden_size=16), 20),
    "cross-encoder": ("bert", dict(hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                      max_position_embeddings=40, sentence_transformers={"activation_fn": "torch.nn.modules.linear.Identity"}), 40),
    "camembert": ("camembert", dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
                  max_position_embeddings=50, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1), 48),
    "deberta-conv": ("deberta-v2", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
                     max_position_embeddings=60, relative_attention=True, position_buckets=6, norm_rel_ebd="layer_norm",
                     share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0,
                     max_relative_positions=-1, pooler_hidden_act="gelu", pooler_hidden_size=16, conv_kernel_size=3, conv_act="gelu"), 60),
}


def models(out):
    import torch, transformers
    cases = {"made_by": f"tests/golden/classify.py models: transformers {transformers.__version__}, torch {torch.__version__}",
             "texts": TEXTS, "pairs": PAIRS, "models": {}}
    for seed, (name, (kind, config, limit)) in enumerate(SEQUENCE.items()):
        labels = ["score"] if name == "cross-encoder" else None
        how = "bytes" if kind == "modernbert" else "pieces" if name in SENTENCEPIECE or name == "deberta-conv" else "words"
        folder, tokenizer, model = tiny(out, name, kind, "sequence", config, limit, seed, labels, how=how)
        cases["models"][name] = {"texts": [logits_of(model, tokenizer, t) for t in TEXTS],
                                 "pairs": [logits_of(model, tokenizer, a, b) for a, b in PAIRS]}
        print(name, sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder)))
    with open(os.path.join(out, "cases.json"), "w") as f:
        json.dump(cases, f)
    zero_shot(out)


def zero_shot(out):
    """zero-shot.tsv: mode, text, label, score, by transformers' pipeline, the best label first."""
    import torch
    from transformers import pipeline
    folder, tokenizer, model = tiny(out, "nli", "bert", "sequence", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                    intermediate_size=20, max_position_embeddings=40), 40, 77,
                                    ["Entailment", "neutral", "contradiction"])
    p = pipeline("zero-shot-classification", model=model, tokenizer=tokenizer, device="cpu")
    with open(os.path.join(out, "zero-shot.tsv"), "w") as f:
        for text in (t for t in TEXTS[1:] if "\t" not in t):
            for multi in (False, True):
                r = p(text, ["the river", "stone", "old friends and cloth"], hypothesis_template="It is about {}.", multi_label=multi)
                for label, score in zip(r["labels"], r["scores"]):
                    f.write(f"{'multi' if multi else 'single'}\t{text}\t{label}\t{score!r}\n")


TOKEN = {
    "ner-bert": ("bert", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
                 max_position_embeddings=60), 60),
    "ner-roberta": ("roberta", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
                    max_position_embeddings=82, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1), 80),
    "ner-modernbert": ("modernbert", dict(hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=20,
                       max_position_embeddings=80, local_attention=6, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                       cls_token_id=0, sep_token_id=2), 80),
    "ner-deberta": ("deberta-v2", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=20,
                    max_position_embeddings=60, relative_attention=True, position_buckets=8, norm_rel_ebd="layer_norm",
                    share_att_key=True, pos_att_type="p2c|c2p", position_biased_input=False, type_vocab_size=0,
                    max_relative_positions=-1), 60),
    "ner-xlm-roberta": ("xlm-roberta", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
                        max_position_embeddings=82, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1), 80),
    "ner-distilbert": ("distilbert", dict(dim=20, n_layers=2, n_heads=5, hidden_dim=28, max_position_embeddings=60), 60),
}
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC"]


def first(found):
    return found[0] if found and isinstance(found[0], list) else found


def tokens(out):
    import torch, transformers
    from transformers import pipeline
    cases = {"made_by": f"tests/golden/classify.py tokens: transformers {transformers.__version__}, torch {torch.__version__}",
             "texts": NER_TEXTS, "words": NER_WORDS, "models": {}}
    for seed, (name, (kind, config, limit)) in enumerate(TOKEN.items()):
        folder, tokenizer, model = tiny(out, name, kind, "token", config, limit, 100 + seed, ENTITIES,
                                        how="bytes" if kind in ("roberta", "modernbert") else "pieces" if kind in SENTENCEPIECE else "words")
        found = {}
        for how in ("none", "simple", "first", "average", "max"):
            p = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu", aggregation_strategy=how)
            key = "entity" if how == "none" else "entity_group"
            found[how] = [[[e[key], float(e["score"]), int(e["start"]), int(e["end"])] +
                           ([int(e["index"]), e["word"]] if how == "none" else []) for e in p(t)] for t in NER_TEXTS]
            if kind not in ("roberta", "modernbert"):
                q = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu", aggregation_strategy=how,
                             is_split_into_words=True)
                found[how + "-words"] = [[[e[key], float(e["score"]), int(e["start"]), int(e["end"])] +
                                          ([int(e["index"]), e["word"]] if how == "none" else []) for e in first(q(w, is_split_into_words=True))] for w in NER_WORDS]
        cases["models"][name] = found
        print(name, sum(len(f) for f in found["none"]), sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder)))
    # labels that depend on the token alone, so that windows change nothing
    folder, tokenizer, model = tiny(out, "ner-context-free", "bert", "token", dict(hidden_size=12, num_hidden_layers=0,
                                    num_attention_heads=2, intermediate_size=16, max_position_embeddings=200), 200, 200, ENTITIES)
    from safetensors.torch import load_file, save_file
    path = os.path.join(folder, "model.safetensors")
    state = load_file(path)
    state["bert.embeddings.position_embeddings.weight"].zero_()
    save_file(state, path, metadata={"format": "pt"})
    with open(os.path.join(out, "entities.json"), "w") as f:
        json.dump(cases, f, ensure_ascii=False)


if __name__ == "__main__":
    if sys.argv[1] == "compare":
        compare(int(sys.argv[2]) if len(sys.argv) > 2 else 10000)
    {"logistic": logistic, "models": models, "tokens": tokens}[sys.argv[1]](sys.argv[2])
