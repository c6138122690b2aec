#!/usr/bin/env python3
"""Goldens of embed, by sentence-transformers.

    embed.py make OUT         writes what is committed in tests/golden/embed: texts.jsonl, and for each tiny model
                              its folder and vectors.npy; for MiniLM minilm.npy (needs the model)
    embed.py check N [FILE]   embeds the first N abstracts of acl_abstracts (or lines of a JSONL file), and a few
                              hard texts, with both, and prints the largest difference of an element

HEDDLE_MINILM names the folder of all-MiniLM-L6-v2. The tiny models have random weights; their vocabulary is made here.
"""
import base64, gzip, json, os, shutil, subprocess, sys
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import numpy as np

SRC = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MINILM = os.environ.get("HEDDLE_MINILM", os.path.join(SRC, "build/models/all-MiniLM-L6-v2"))

WORDS = """the of and to in a is that for on with as by at from it an be are this which or was not have has but their
all can one more other when there will up out so if about no who time into than its only some could them two may then do
first any my now such like our over man me even most made after also did many before must through back years where much
your way well down should because each just those people how too little state good very make world still own see men work
long get here between both life being under never day same another know while last might us great old year off come since
against go came right used take three loom weaver thread warp weft shuttle heddle cloth linen wool cotton silk river stone
bridge water light night winter summer garden bread table window letter number sentence token vector model language data
quick brown fox jumps lazy dog rain falls north south east west green yellow blue red seven eight nine ten hundred""".split()
PIECES = "##s ##ed ##ing ##er ##ly ##ness ##ment ##tion ##al ##y ##e ##a ##o ##n ##t ##r ##1 ##2 ##0".split()
CHARS = list("abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()-/&%") + ["é", "ü", "中", "文", "–"]
VOCAB = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list(dict.fromkeys(CHARS + WORDS + PIECES))

TEXTS = [
    "", " ", "the", "warp", "[UNK]", "zzzqqq", "The quick brown fox jumps over the lazy dog.",
    "A heddle is the part of a loom that every warp thread passes through.",
    "Rain falls on the stone bridge; the river is loud tonight.",
    "Seven weavers, eight looms, nine yards of green cloth: 10 days' work.",
    "How many tokens does this sentence have?", "HOW MANY TOKENS DOES THIS SENTENCE HAVE?",
    "Linen, wool, cotton and silk take dye in different ways.", "中文 text among the letters – and café, naïve, über.",
    "¿Qué? 100 % & (one-two/three) \"quoted\" 'single'", "no no no no no no no no", "\t tabs\nand lines\r\n",
    "Winter light on the table by the window, and bread.", "x" * 300, "the loom " * 40,
    "a letter to my old friend " * 30, "one two three seven eight nine ten hundred " * 120,
    "🧵 emoji thread 🪡", "e\u0301 and \u00e9 are the same",
]


def write_texts(path):
    with open(path, "w") as f:
        for i, t in enumerate(TEXTS):
            f.write(json.dumps({"id": i, "text": t}, ensure_ascii=False) + "\n")


def tiny(out, name, config, lowercase=True, pooling=None, modules=None, st=None, limit=10 ** 30, stored="float32", seed=1):
    """A transformer with random weights in out/name, and vectors.npy of the texts."""
    import torch
    from transformers import AutoConfig, AutoModel
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, decoders
    from sentence_transformers import SentenceTransformer
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    torch.manual_seed(seed)
    kind = config.pop("model_type")
    made = AutoConfig.for_model(kind, vocab_size=len(VOCAB) + (0 if kind != "mpnet" else 0), **config)
    model = AutoModel.from_config(made).eval()
    with torch.no_grad():  # larger than BERT's 0.02, so that attention is not flat and biases are not zero
        for key, p in model.named_parameters():
            if "norm" in key.lower() and key.endswith("weight"):
                p.copy_(1 + 0.2 * torch.randn_like(p))
            else:
                p.copy_((0.15 if p.dim() > 1 else 0.1) * torch.randn_like(p))
            if "position" in key and p.dim() > 1:
                p.mul_(2)
            p.copy_(p.to(getattr(torch, stored)).float())
        if hasattr(model, "pooler"):
            model.pooler = None
    state = {k: v.contiguous() for k, v in model.state_dict().items()}
    from safetensors.torch import save_file
    small = {k: v.to(getattr(torch, stored)) for k, v in state.items() if v.is_floating_point()}
    save_file(small, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    kept = {"model_type": kind, "vocab_size": len(VOCAB), **config}
    json.dump(kept, open(os.path.join(folder, "config.json"), "w"))
    with open(os.path.join(folder, "vocab.txt"), "w") as f:
        f.write("\n".join(VOCAB) + "\n")
    json.dump({"do_lower_case": lowercase, "tokenizer_class": "BertTokenizer", "model_max_length": limit},
              open(os.path.join(folder, "tokenizer_config.json"), "w"))
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(VOCAB)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1",
                                                             [("[CLS]", 3), ("[SEP]", 4)])
    if modules is not None:
        json.dump(modules, open(os.path.join(folder, "modules.json"), "w"))
    for sub, content in (st or {}).items():
        path = os.path.join(folder, sub)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if isinstance(content, dict) and "tensors" in content:
            save_file(content["tensors"], path)
        else:
            json.dump(content, open(path, "w"))
    # The reference reads its own copy, with a tokenizer.json, which is 10 times as long as vocab.txt.
    work = folder + ".reference"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder, work)
    save_file(state, os.path.join(work, "model.safetensors"), metadata={"format": "pt"})
    tokenizer.save(os.path.join(work, "tokenizer.json"))
    json.dump({"do_lower_case": lowercase, "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]",
               "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
               "model_max_length": limit}, open(os.path.join(work, "tokenizer_config.json"), "w"))
    m = SentenceTransformer(work, device="cpu")
    vectors = m.encode(TEXTS, show_progress_bar=False).astype("<f4")
    np.save(os.path.join(folder, "vectors.npy"), vectors)
    print(name, vectors.shape, sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(folder) for f in fs))
    shutil.rmtree(work)


OLD = "sentence_transformers.models."
NEW = "sentence_transformers.sentence_transformer.modules."


def module(i, path, kind):
    return {"idx": i, "name": str(i), "path": path, "type": kind}


def make(out):
    import torch
    os.makedirs(out, exist_ok=True)
    write_texts(os.path.join(out, "texts.jsonl"))
    # bare transformer: the mean of its tokens, not normalised; odd sizes, gelu
    tiny(out, "bert-odd", dict(model_type="bert", hidden_size=15, num_hidden_layers=2, num_attention_heads=3,
         intermediate_size=29, max_position_embeddings=48, hidden_act="gelu"))
    # the older dialect; several poolings side by side, a Dense layer, Normalize; gelu_new, cased, positions beyond 512
    dense = torch.Generator().manual_seed(3)
    tiny(out, "bert-dense", dict(model_type="bert", hidden_size=16, num_hidden_layers=1, num_attention_heads=1,
         intermediate_size=24, max_position_embeddings=600, hidden_act="gelu_new", layer_norm_eps=1e-5,
         type_vocab_size=1), lowercase=False, stored="float16", seed=2,
         modules=[module(0, "", OLD + "Transformer"), module(1, "1_Pooling", OLD + "Pooling"),
                  module(2, "2_Dense", OLD + "Dense"), module(3, "3_Normalize", OLD + "Normalize")],
         st={"1_Pooling/config.json": {"word_embedding_dimension": 16, "pooling_mode_cls_token": True,
             "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True,
             "pooling_mode_weightedmean_tokens": True, "pooling_mode_lasttoken": True},
             "2_Dense/config.json": {"in_features": 80, "out_features": 12, "bias": True,
                                     "activation_function": "torch.nn.modules.activation.Tanh"},
             "2_Dense/model.safetensors": {"tensors": {"linear.weight": torch.randn(12, 80, generator=dense),
                                                       "linear.bias": torch.randn(12, generator=dense)}},
             "3_Normalize/config.json": {},
             "sentence_bert_config.json": {"max_seq_length": 590, "do_lower_case": True}})
    # the newer dialect, a prompt by default that takes no part in the pooling; relu
    tiny(out, "bert-prompt", dict(model_type="bert", hidden_size=24, num_hidden_layers=2, num_attention_heads=2,
         intermediate_size=16, max_position_embeddings=64, hidden_act="relu"), stored="float16", seed=4,
         modules=[module(0, "", "sentence_transformers.base.modules.transformer.Transformer"),
                  module(1, "1_Pooling", NEW + "pooling.Pooling"),
                  module(2, "2_Normalize", "sentence_transformers.base.modules.normalize.Normalize")],
         st={"1_Pooling/config.json": {"embedding_dimension": 24, "pooling_mode": "mean", "include_prompt": False},
             "2_Normalize/config.json": {},
             "sentence_bert_config.json": {"max_seq_length": 30, "do_lower_case": False},
             "config_sentence_transformers.json": {"prompts": {"query": "the letter: ", "document": ""},
                                                   "default_prompt_name": "query"}})
    tiny(out, "distilbert", dict(model_type="distilbert", dim=20, n_layers=2, n_heads=5, hidden_dim=28,
         max_position_embeddings=40, activation="gelu"), stored="bfloat16", seed=5)
    tiny(out, "mpnet", dict(model_type="mpnet", hidden_size=20, num_hidden_layers=2, num_attention_heads=4,
         intermediate_size=28, max_position_embeddings=202, hidden_act="gelu", relative_attention_num_buckets=32,
         pad_token_id=1), limit=200, stored="float16", seed=6)
    import sentence_transformers, transformers
    versions = f"sentence-transformers {sentence_transformers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
    if os.path.exists(MINILM):
        m = sentence_transformers.SentenceTransformer(MINILM, device="cpu")
        np.save(os.path.join(out, "minilm.npy"), m.encode(TEXTS, show_progress_bar=False).astype("<f4"))
    open(os.path.join(out, "README"), "w").write(f"Written by tests/golden/embed.py make: {versions}.\n")


def check(n, path=None):
    from sentence_transformers import SentenceTransformer
    path = path or os.path.join(SRC, "../shared/data/acl_abstracts/acl_2016plus.jsonl.gz")
    with (gzip.open(path, "rt") if path.endswith(".gz") else open(path)) as f:
        texts = [json.loads(line)["text"] for _, line in zip(range(n), f)] + TEXTS
    records = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    done = subprocess.run(["embed", "-m", MINILM, "--encoding", "base64", "-v"], input=records.encode(), capture_output=True)
    sys.stderr.write(done.stderr.decode())
    ours = np.array([np.frombuffer(base64.b64decode(json.loads(l)["embedding"]), "<f4") for l in done.stdout.splitlines()])
    theirs = SentenceTransformer(MINILM, device="cpu").encode(texts, show_progress_bar=False)
    d = np.abs(ours - theirs)
    print(f"{len(texts)} texts: largest difference {d.max():.3g} (text {d.max(axis=1).argmax()}), mean {d.mean():.3g}")
    sys.exit(d.max() > 1e-5)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        check(int(sys.argv[2]), *sys.argv[3:])
