"""Writes the golden files of internal/engine: small BERT models with seeded random
weights, and what the reference computes for them.

    python bert.py OUT [MINILM]

OUT is internal/engine/testdata, MINILM the folder of all-MiniLM-L6-v2. The reference is
float64 arithmetic in numpy, written from the paper and the layout of Hugging Face's
checkpoints; bench/engine/minilm.py compares the same graph with onnxruntime's kernels.
"""
import base64
import json
import math
import pathlib
import struct
import sys

import numpy as np
from tokenizers import Tokenizer

from texts import PAIRS, TEXTS
from tokens import small

erf = np.vectorize(math.erf)


def read_safetensors(path):
    raw = pathlib.Path(path).read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, t in json.loads(raw[8:8 + n]).items():
        if name == "__metadata__":
            continue
        lo, hi = t["data_offsets"]
        data = raw[8 + n + lo:8 + n + hi]
        if t["dtype"] == "BF16":
            a = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
        else:
            a = np.frombuffer(data, {"F32": "<f4", "F16": "<f2", "I64": "<i8"}[t["dtype"]])
        out[name] = a.reshape(t["shape"]).astype(np.float64)
    return out


def write_safetensors(path, tensors, dtype):
    header, data = {}, b""
    for name, a in sorted(tensors.items()):
        a = a.astype("<f4")
        if dtype == "BF16":  # to nearest even
            u = a.view("<u4")
            raw = ((u + 0x7FFF + ((u >> 16) & 1)) >> 16).astype("<u2").tobytes()
        else:
            raw = a.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(a.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def layer_norm(x, w, b, eps):
    m = x.mean(-1, keepdims=True)
    v = ((x - m) ** 2).mean(-1, keepdims=True)
    return (x - m) / np.sqrt(v + eps) * w + b


def gelu(x, kind):
    if kind == "gelu":
        return x * 0.5 * (1 + erf(x / math.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def forward(w, c, ids, types):
    """The hidden states of one text."""
    get = lambda n: w[n] if n in w else w[n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")]
    lin = lambda x, n: x @ get(n + ".weight").T + get(n + ".bias")
    ln = lambda x, n: layer_norm(x, get(n + ".weight"), get(n + ".bias"), c["layer_norm_eps"])
    e = "embeddings."
    x = get(e + "word_embeddings.weight")[ids] + get(e + "position_embeddings.weight")[:len(ids)] + get(e + "token_type_embeddings.weight")[types]
    x = ln(x, e + "LayerNorm")
    heads = c["num_attention_heads"]
    size = c["hidden_size"] // heads
    for i in range(c["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        split = lambda y: y.reshape(len(ids), heads, size).transpose(1, 0, 2)
        q, k, v = (split(lin(x, p + "attention.self." + n)) for n in ("query", "key", "value"))
        s = q @ k.transpose(0, 2, 1) / math.sqrt(size)
        s = np.exp(s - s.max(-1, keepdims=True))
        s /= s.sum(-1, keepdims=True)
        mixed = (s @ v).transpose(1, 0, 2).reshape(len(ids), -1)
        x = ln(x + lin(mixed, p + "attention.output.dense"), p + "attention.output.LayerNorm")
        inner = gelu(lin(x, p + "intermediate.dense"), c["hidden_act"])
        x = ln(x + lin(inner, p + "output.dense"), p + "output.LayerNorm")
    return x


def pack(a):
    return base64.b64encode(np.asarray(a, "<f4").tobytes()).decode()


def embed(w, c, tokenizer, texts, limit, pooling, normalize):
    tokenizer.enable_truncation(limit)
    tokenizer.no_padding()
    out = []
    for text in texts:
        e = tokenizer.encode(text)
        x = forward(w, c, e.ids, e.type_ids)
        v = x.mean(0) if pooling == "mean" else x[0]
        if normalize:
            v = v / np.linalg.norm(v)
        out.append({"text": text, "vector": pack(v)})
    return out


def random_weights(rng, c, labels=0):
    h, n, w = c["hidden_size"], c["intermediate_size"], {}
    mat = lambda *s: rng.normal(0, 1 / math.sqrt(s[-1]), s)
    vec = lambda s: rng.normal(0, 0.2, s)
    def linear(name, out, inp):
        w[name + ".weight"], w[name + ".bias"] = mat(out, inp), vec(out)
    def norm(name):
        w[name + ".weight"], w[name + ".bias"] = 1 + vec(h), vec(h)
    for name, rows in (("word", c["vocab_size"]), ("position", c["max_position_embeddings"]), ("token_type", c["type_vocab_size"])):
        w[f"embeddings.{name}_embeddings.weight"] = rng.normal(0, 0.5, (rows, h))
    norm("embeddings.LayerNorm")
    for i in range(c["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        for n2 in ("query", "key", "value"):
            linear(p + "attention.self." + n2, h, h)
        linear(p + "attention.output.dense", h, h)
        norm(p + "attention.output.LayerNorm")
        linear(p + "intermediate.dense", n, h)
        linear(p + "output.dense", h, n)
        norm(p + "output.LayerNorm")
    if labels:
        linear("pooler.dense", h, h)
        w = {"bert." + k: v for k, v in w.items()}
        linear("classifier", labels, h)
    return w


def write_model(d, tokenizer, c, w, dtype, shards=1, modules=None, pooling=None, limit=None):
    d.mkdir(parents=True, exist_ok=True)
    (d / "config.json").write_text(json.dumps(c, indent=1) + "\n")
    tokenizer.no_truncation()
    (d / "tokenizer.json").write_text(tokenizer.to_str() + "\n")
    if shards == 1:
        write_safetensors(d / "model.safetensors", w, dtype)
    else:
        names, where = sorted(w), {}
        for s in range(shards):
            file = f"model-{s + 1:05}-of-{shards:05}.safetensors"
            part = {n: w[n] for n in names[s::shards]}
            write_safetensors(d / file, part, dtype)
            where.update({n: file for n in part})
        (d / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}) + "\n")
    if modules:
        st = "sentence_transformers.models."
        listed = [{"idx": i, "name": str(i), "path": p, "type": st + t} for i, (p, t) in enumerate(modules)]
        (d / "modules.json").write_text(json.dumps(listed) + "\n")
        (d / "1_Pooling").mkdir(exist_ok=True)
        (d / "1_Pooling" / "config.json").write_text(json.dumps({
            "word_embedding_dimension": c["hidden_size"], "pooling_mode_cls_token": pooling == "cls",
            "pooling_mode_mean_tokens": pooling == "mean", "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False}) + "\n")
    if limit:
        (d / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": limit, "do_lower_case": False}) + "\n")
    out = {}
    for f in d.glob("*.safetensors"):
        out.update(read_safetensors(f))  # as rounded in the file
    return out


def lines(path, entries):
    path.write_text("[\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]\n")


def main():
    out = pathlib.Path(sys.argv[1])
    rng = np.random.default_rng(20260801)
    tok = small(260, 120, lowercase=True)
    base = dict(architectures=["BertModel"], model_type="bert", vocab_size=tok.get_vocab_size(), max_position_embeddings=48,
                type_vocab_size=2, layer_norm_eps=1e-12, hidden_act="gelu", position_embedding_type="absolute", pad_token_id=0)
    texts = [t for t in TEXTS if len(t) < 200][::2]

    c = dict(base, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40)
    d = out / "mean"
    w = write_model(d, tok, c, random_weights(rng, c), "F32", pooling="mean", limit=32,
                    modules=[("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])
    lines(d / "golden.json", embed(w, c, tok, texts, 32, "mean", True))

    c = dict(base, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=50, hidden_act="gelu_new", layer_norm_eps=1e-6)
    d = out / "cls"
    w = random_weights(rng, c)
    w = {k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v for k, v in w.items()}
    w = write_model(d, tok, c, w, "F16", shards=2, pooling="cls", modules=[("", "Transformer"), ("1_Pooling", "Pooling")])
    lines(d / "golden.json", embed(w, c, tok, texts, 48, "cls", False))

    c = dict(base, architectures=["BertForSequenceClassification"], hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
             intermediate_size=64, id2label={"0": "LABEL_0"})
    d = out / "reranker"
    w = write_model(d, tok, c, random_weights(rng, c, labels=1), "BF16")
    inner = {k.removeprefix("bert."): v for k, v in w.items()}
    tok.enable_truncation(48, strategy="longest_first")
    golden = []
    for first, second in PAIRS + [(a, b) for a in texts[:4] for b in texts[4:8]]:
        e = tok.encode(first, second)
        x = np.tanh(forward(inner, c, e.ids, e.type_ids)[0] @ inner["pooler.dense.weight"].T + inner["pooler.dense.bias"])
        golden.append({"query": first, "document": second, "score": float((x @ inner["classifier.weight"].T + inner["classifier.bias"])[0])})
    lines(d / "golden.json", golden)

    if len(sys.argv) > 2:
        m = pathlib.Path(sys.argv[2])
        c = json.loads((m / "config.json").read_text())
        real = ["How do I reset the gateway?", "The gateway restarts every Sunday at 04:00.", "Bananas are rich in potassium.",
                "Wie setze ich das Gateway zurück?", "ゲートウェイを再起動する方法", TEXTS[3], TEXTS[-1], "x", "",
                " ".join(TEXTS)]
        w = read_safetensors(m / "model.safetensors")
        lines(out / "minilm.golden.json", embed(w, c, Tokenizer.from_file(str(m / "tokenizer.json")), real, 256, "mean", True))


if __name__ == "__main__":
    main()
