"""Writes a GGUF file of random F16 weights with the shape of a Llama model, for benchmarks.

    python mkgguf.py OUT.gguf HIDDEN LAYERS HEADS KV_HEADS FFN VOCAB

The output head is tied to the embeddings. The weights are drawn with the spread that
trained ones have, so that activations neither vanish nor overflow; what the model says is
noise. The tokenizer is a valid SentencePiece table: the bytes, then words "t0", "t1", ….
"""
import os
import sys

import gguf
import numpy as np

CONTEXT = 65536


def tokens(vocab):
    texts = [b"<unk>", b"<s>", b"</s>"] + [b"<0x%02X>" % i for i in range(256)]
    kinds = [gguf.TokenType.UNKNOWN] + 2 * [gguf.TokenType.CONTROL] + 256 * [gguf.TokenType.BYTE]
    words = vocab - len(texts)
    texts += [f"\u2581t{i}".encode() for i in range(words)]
    return texts, [-float(i) for i in range(vocab)], kinds + words * [gguf.TokenType.NORMAL]


def main():
    out, (hidden, layers, heads, kv_heads, ffn, vocab) = sys.argv[1], map(int, sys.argv[2:])
    head = hidden // heads
    random = np.random.default_rng(1)

    w = gguf.GGUFWriter(out + ".part", "llama")
    w.add_name(f"random {hidden}x{layers}")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(hidden)
    w.add_block_count(layers)
    w.add_feed_forward_length(ffn)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(500000.0)
    w.add_rope_dimension_count(head)
    w.add_vocab_size(vocab)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    texts, scores, kinds = tokens(vocab)
    w.add_tokenizer_model("llama")
    w.add_token_list(texts)
    w.add_token_scores(scores)
    w.add_token_types(kinds)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)

    matrices = [("token_embd.weight", vocab, hidden)]
    vectors = ["output_norm.weight"]
    for i in range(layers):
        b = f"blk.{i}."
        vectors += [b + "attn_norm.weight", b + "ffn_norm.weight"]
        matrices += [
            (b + "attn_q.weight", hidden, hidden),
            (b + "attn_k.weight", kv_heads * head, hidden),
            (b + "attn_v.weight", kv_heads * head, hidden),
            (b + "attn_output.weight", hidden, hidden),
            (b + "ffn_gate.weight", ffn, hidden),
            (b + "ffn_up.weight", ffn, hidden),
            (b + "ffn_down.weight", hidden, ffn),
        ]
    for name, rows, cols in matrices:
        w.add_tensor_info(name, (rows, cols), np.dtype(np.float16), rows * cols * 2)
    for name in vectors:
        w.add_tensor_info(name, (hidden,), np.dtype(np.float32), hidden * 4)

    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    for _, rows, cols in matrices:
        weights = random.standard_normal((rows, cols), dtype=np.float32)
        weights *= np.float32(cols**-0.5)
        w.write_tensor_data(weights.astype(np.float16))
    for _ in vectors:
        w.write_tensor_data(np.ones(hidden, np.float32))
    w.close()
    os.replace(out + ".part", out)


main()
