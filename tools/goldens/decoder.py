"""Writes the golden files of internal/engine/arch's decoders: small models with seeded
random weights, and what transformers computes for them.

    python decoder.py OUT [CHECKPOINT]

OUT is internal/engine/arch/testdata/decoder. Several models share weights and differ in
config.json. GGUF files are quantised by gguf (and by llama.cpp for K-quants), and the
reference then computes with the dequantised weights. CHECKPOINT is the legacy llama2.c
checkpoint of stories260K, whose story is told by numpy, in float64; without it the story
stays as it was told before.

requirements-torch.txt has the versions. Without a GPU, PyTorch's CPU build will do:
pip install --extra-index-url https://download.pytorch.org/whl/cpu -r requirements-torch.txt
"""
import base64
import ctypes
import json
import pathlib
import struct
import sys
import tempfile

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import save_file

VOCAB, GREEDY = 96, 64
SHAPE = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, vocab_size=VOCAB, max_position_embeddings=256, rms_norm_eps=1e-5)


def build(family, seed, dtype=torch.float32, **config):
    """A model with seeded weights that dtype can hold, in float32."""
    shape = {**SHAPE, **config}
    c = getattr(transformers, family + "Config")(**shape, attn_implementation="eager")
    model = getattr(transformers, family + "ForCausalLM")(c).eval()
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            x = torch.randn(p.shape, generator=g)
            if "norm" in name:
                x = 1 + 0.2 * x
            elif name.endswith("bias"):
                x = 0.3 * x
            else:
                x = x * (1.2 if "embed" in name or "lm_head" in name else 1.4) / p.shape[-1] ** 0.5
            p.copy_(x.to(dtype).float())
    return model


def prompt(seed, n=14):
    return np.random.default_rng(seed).integers(0, VOCAB, n).tolist()


@torch.no_grad()
def reference(model, ids, stepwise=False):
    """Greedy tokens after ids, and the logits of which they are the largest."""
    rows, cache, ids, given = [], None, list(ids), len(ids)
    for _ in range(GREEDY):
        if stepwise:
            new = ids if cache is None else ids[-1:]
            out = model(torch.tensor([new]), past_key_values=cache, use_cache=True)
            cache = out.past_key_values
        else:
            out = model(torch.tensor([ids]), use_cache=False)
        rows.append(out.logits[0, -1].numpy().astype(np.float32))
        ids.append(int(rows[-1].argmax()))
    return ids[given:], np.stack(rows)


def case(name, weights, model, seed, stepwise=False, **more):
    ids = prompt(seed)
    out, rows = reference(model, ids, stepwise)
    top = np.sort(rows, axis=1)
    at = [0, 20, GREEDY - 1]
    print(f"{name}: spread {rows.std():.3f}, smallest margin {(top[:, -1] - top[:, -2]).min():.4f}, {len(set(out))} different tokens")
    return {"name": name, "weights": weights, "prompt": ids, "greedy": out, "rows": at,
            "logits": base64.b64encode(rows[at].astype("<f4").tobytes()).decode(), **more}


def config_of(model, legacy=False):
    c = json.loads(model.config.to_json_string(use_diff=False))
    keep = set(SHAPE) | {"architectures", "head_dim", "hidden_act", "tie_word_embeddings", "sliding_window", "use_sliding_window",
                         "max_window_layers", "layer_types", "rope_parameters", "model_type", "attention_bias", "mlp_bias"}
    c = {k: v for k, v in c.items() if k in keep}
    c["architectures"] = [type(model).__name__]
    if legacy:  # before transformers 5
        p = c.pop("rope_parameters")
        c["rope_theta"] = p.pop("rope_theta")
        kind = p.pop("rope_type")
        c["rope_scaling"] = None if kind == "default" else {"type": kind, **p}
        c.pop("layer_types", None)
    return c


def save(out, name, model, dtype):
    tied = model.config.tie_word_embeddings
    save_file({k: v.to(dtype).contiguous() for k, v in model.state_dict().items() if not (tied and k == "lm_head.weight")},
              out / name, metadata={"format": "pt"})


def rope(kind, **more):
    return {"rope_type": kind, "rope_theta": 10000.0, **more}


def folders(out):
    cases = []

    def add(name, weights, seed, build_with, dtype, legacy=False, stepwise=False, **config):
        family, weight_seed, fixed = build_with
        model = build(family, weight_seed, dtype, **fixed, **config)
        if not (out / weights).exists():
            save(out, weights, model, dtype)
        cases.append(case(name, weights, model, seed, stepwise, config=config_of(model, legacy)))

    llama = ("Llama", 11, {})
    bf16 = torch.bfloat16
    add("llama", "llama.safetensors", 1, llama, bf16)
    add("llama, positions of Llama 3", "llama.safetensors", 2, llama, bf16,
        rope_parameters={**rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32), "rope_theta": 500000.0})
    add("llama, linear positions", "llama.safetensors", 3, llama, bf16, legacy=True, rope_parameters=rope("linear", factor=3.0))
    add("llama, dynamic positions", "llama.safetensors", 4, llama, bf16, stepwise=True, max_position_embeddings=32,
        rope_parameters=rope("dynamic", factor=4.0))
    add("llama, YaRN", "llama.safetensors", 5, llama, bf16,
        rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=32))
    add("llama, YaRN with all its settings", "llama.safetensors", 6, llama, bf16, legacy=True,
        rope_parameters={**rope("yarn", factor=8.0, original_max_position_embeddings=64, beta_fast=8.0, beta_slow=0.5, attention_factor=1.3, truncate=False), "rope_theta": 100.0})
    add("mistral, sliding window", "llama.safetensors", 7, ("Mistral", 11, {}), bf16, sliding_window=9)
    add("mistral, no window", "llama.safetensors", 8, ("Mistral", 11, {}), bf16, sliding_window=None)
    add("llama, tied, one key head", "tied.safetensors", 9, ("Llama", 12, dict(tie_word_embeddings=True, num_key_value_heads=1)), torch.float16)
    qwen2 = ("Qwen2", 13, {})
    add("qwen2", "qwen2.safetensors", 10, qwen2, torch.float32, legacy=True)
    add("qwen2, windows in later layers", "qwen2.safetensors", 11, qwen2, torch.float32, use_sliding_window=True, sliding_window=12, max_window_layers=1)
    qwen3 = ("Qwen3", 14, dict(head_dim=32, num_attention_heads=2, num_key_value_heads=1))
    add("qwen3", "qwen3.safetensors", 12, qwen3, bf16)
    add("qwen3, YaRN", "qwen3.safetensors", 13, qwen3, bf16, rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=64))
    return cases


NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def gguf_name(name):
    fixed = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
    if name in fixed:
        return fixed[name]
    _, _, layer, rest = name.split(".", 3)
    base, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{NAMES[base]}.{kind}"


def turns(arch, name):
    """Whether the converter rearranges this tensor's rows for neighbouring pairs."""
    return arch == "llama" and (".q_proj." in name or ".k_proj." in name)


def interleave(x, heads):
    return x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def separate(x, heads):
    return x.reshape(heads, x.shape[0] // heads // 2, 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def heads_of(c, name):
    return c.num_attention_heads if ".q_proj." in name else c.num_key_value_heads


def write_gguf(path, arch, model, kind, describe=lambda w: None, freqs=None):
    c, w = model.config, gguf.GGUFWriter(path, arch)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    w.add_block_count(c.num_hidden_layers)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_rope_freq_base(c.rope_parameters["rope_theta"])
    w.add_key_length(c.head_dim if hasattr(c, "head_dim") else c.hidden_size // c.num_attention_heads)
    w.add_value_length(c.head_dim if hasattr(c, "head_dim") else c.hidden_size // c.num_attention_heads)
    w.add_vocab_size(c.vocab_size)
    describe(w)
    for name, p in model.state_dict().items():
        if c.tie_word_embeddings and name == "lm_head.weight":
            continue
        x = p.numpy()
        if turns(arch, name):
            x = interleave(x, heads_of(c, name))
        x = np.ascontiguousarray(x)
        if x.ndim == 1:
            w.add_tensor(gguf_name(name), x)
        else:
            w.add_tensor(gguf_name(name), gguf.quants.quantize(x, kind), raw_dtype=kind)
    if freqs is not None:
        w.add_tensor("rope_freqs.weight", freqs)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


@torch.no_grad()
def read_back(path, arch, model):
    """Gives the model the weights that the file holds."""
    tensors = {t.name: t for t in gguf.GGUFReader(path).tensors}
    kinds = sorted({t.tensor_type.name for t in tensors.values()})
    for name, p in model.state_dict().items():
        if model.config.tie_word_embeddings and name == "lm_head.weight":
            continue
        t = tensors[gguf_name(name)]
        x = gguf.quants.dequantize(t.data, t.tensor_type).reshape(p.shape)
        if turns(arch, name):
            x = separate(x, heads_of(model.config, name))
        p.copy_(torch.tensor(np.ascontiguousarray(x)))
    print(path.name, "has", *kinds)
    return kinds


def llama3_freqs(model):
    """What the converter writes for Llama 3's positions: factors that divide."""
    p = model.config.rope_parameters
    dim = model.config.head_dim
    f = 1.0 / p["rope_theta"] ** (np.arange(0, dim, 2) / dim)
    turns_ = p["original_max_position_embeddings"] * f / (2 * np.pi)
    fast = np.clip((turns_ - p["low_freq_factor"]) / (p["high_freq_factor"] - p["low_freq_factor"]), 0, 1)
    return (1 / ((1 - fast) / p["factor"] + fast)).astype(np.float32)


def ggufs(out):
    cases = []

    def add(name, file, arch, seed, model, kind, describe=lambda w: None, freqs=None):
        path = out / file
        if isinstance(kind, str):
            with tempfile.TemporaryDirectory() as tmp:
                plain = pathlib.Path(tmp) / "plain.gguf"
                write_gguf(plain, arch, model, gguf.GGMLQuantizationType.F32, describe, freqs)
                llama_quantize(plain, path, kind)
        else:
            write_gguf(path, arch, model, kind, describe, freqs)
        read_back(path, arch, model)
        cases.append(case(name, file, model, seed))

    Q = gguf.GGMLQuantizationType
    llama3 = build("Llama", 21, rope_parameters={**rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32), "rope_theta": 500000.0})
    add("GGUF llama Q8_0, factors of positions", "llama-q8_0.gguf", "llama", 21, llama3, Q.Q8_0, freqs=llama3_freqs(llama3))

    def yarn(w):
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        w.add_rope_scaling_factor(4.0)
        w.add_rope_scaling_orig_ctx_len(64)
    add("GGUF llama Q4_0, YaRN", "llama-q4_0.gguf", "llama", 22,
        build("Llama", 22, tie_word_embeddings=True,
              rope_parameters={**rope("yarn", factor=4.0, original_max_position_embeddings=64), "rope_theta": 50.0}), Q.Q4_0, yarn)
    add("GGUF qwen2 Q8_0", "qwen2-q8_0.gguf", "qwen2", 23, build("Qwen2", 23), Q.Q8_0)
    add("GGUF qwen3 BF16", "qwen3-bf16.gguf", "qwen3", 24, build("Qwen3", 24, head_dim=16, tie_word_embeddings=True), Q.BF16)
    add("GGUF llama F16", "llama-f16.gguf", "llama", 25, build("Llama", 25, tie_word_embeddings=True, num_hidden_layers=1), Q.F16)
    wide = dict(hidden_size=256, head_dim=32, num_hidden_layers=1, intermediate_size=64, tie_word_embeddings=True)
    add("GGUF llama Q4_K_M", "llama-q4_k_m.gguf", "llama", 26, build("Llama", 26, **wide), "Q4_K_M")
    return cases


def llama_quantize(source, to, kind):
    import llama_cpp
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype, params.nthread = getattr(llama_cpp, "LLAMA_FTYPE_MOSTLY_" + kind), 1
    if llama_cpp.llama_model_quantize(str(source).encode(), str(to).encode(), ctypes.byref(params)) != 0:
        raise SystemExit(f"llama.cpp couldn't quantise {source}")


def stories(path):
    """The greedy story of a llama2.c checkpoint from its beginning, and the first logits."""
    raw = pathlib.Path(path).read_bytes()
    dim, hidden, layers, heads, kv, vocab, seq = struct.unpack("<7i", raw[:28])
    data, at = np.frombuffer(raw[28:], "<f4").astype(np.float64), 0

    def take(*shape):
        nonlocal at
        n = int(np.prod(shape))
        at += n
        return data[at - n:at].reshape(shape)
    size = dim // heads
    embed, att, wq, wk, wv = take(vocab, dim), take(layers, dim), take(layers, dim, dim), take(layers, kv * size, dim), take(layers, kv * size, dim)
    wo, ffn, w1, w2, w3, final = take(layers, dim, dim), take(layers, dim), take(layers, hidden, dim), take(layers, dim, hidden), take(layers, hidden, dim), take(dim)
    norm = lambda x, w: x / np.sqrt((x * x).mean() + 1e-5) * w

    def turn(x, pos):
        x = x.reshape(-1, size // 2, 2)
        a = pos / 10000 ** (np.arange(0, size, 2) / size)
        return np.stack([x[..., 0] * np.cos(a) - x[..., 1] * np.sin(a), x[..., 0] * np.sin(a) + x[..., 1] * np.cos(a)], -1).reshape(-1, size)
    keys, values, token, out, first = [[] for _ in range(layers)], [[] for _ in range(layers)], 1, [], None
    for pos in range(200):
        x = embed[token].copy()
        for i in range(layers):
            h = norm(x, att[i])
            q = turn(wq[i] @ h, pos)
            keys[i].append(turn(wk[i] @ h, pos))
            values[i].append((wv[i] @ h).reshape(-1, size))
            k, v = np.stack(keys[i]), np.stack(values[i])
            mixed = []
            for head in range(heads):
                s = k[:, head // (heads // kv)] @ q[head] / np.sqrt(size)
                p = np.exp(s - s.max())
                mixed.append(p / p.sum() @ v[:, head // (heads // kv)])
            x += wo[i] @ np.concatenate(mixed)
            h = norm(x, ffn[i])
            g = w1[i] @ h
            x += w2[i] @ (g / (1 + np.exp(-g)) * (w3[i] @ h))
        logits = embed @ norm(x, final)
        first = logits if first is None else first
        token = int(logits.argmax())
        out.append(token)
    return {"greedy": out, "logits": base64.b64encode(first.astype("<f4").tobytes()).decode()}


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("*.safetensors"), *out.glob("*.gguf")]:
        old.unlink()
    torch.set_num_threads(1)
    before = out / "golden.json"
    told = json.loads(before.read_text()).get("stories") if before.exists() else None
    golden = {"versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
              "cases": folders(out) + ggufs(out)}
    golden["stories"] = stories(sys.argv[2]) if len(sys.argv) > 2 else told
    (out / "golden.json").write_text(json.dumps(golden, indent=0, separators=(",", ":")).replace(",\n", ",").replace("[\n", "[").replace("\n]", "]").replace('},{"name"', '},\n{"name"') + "\n")


main()
