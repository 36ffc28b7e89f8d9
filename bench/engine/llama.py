"""llama.cpp as a peer of the benchmark: answers one JSON object per line of standard input.

Nothing is timed but calls of llama_decode, so that Python costs llama.cpp nothing.
"""
import ctypes
import json
import os
import struct
import sys
import time

import llama_cpp as llama

FLASH = {"auto": llama.LLAMA_FLASH_ATTN_TYPE_AUTO, "off": llama.LLAMA_FLASH_ATTN_TYPE_DISABLED}
TYPES = {"Q8_0": llama.LLAMA_FTYPE_MOSTLY_Q8_0, "Q4_0": llama.LLAMA_FTYPE_MOSTLY_Q4_0, "Q4_K_M": llama.LLAMA_FTYPE_MOSTLY_Q4_K_M}
CHUNK = 512  # tokens of a pass, llama.cpp's own n_ubatch


def cpu():
    t = os.times()
    return t.user + t.system


class Model:
    """A model and one context of it."""

    def __init__(self, path, threads, context, flash, sequences=1):
        p = llama.llama_model_default_params()
        p.n_gpu_layers = 0
        self.model = llama.llama_model_load_from_file(path.encode(), p)
        if not self.model:
            raise RuntimeError(f"llama.cpp can't load {path}")
        c = llama.llama_context_default_params()
        c.n_ctx, c.n_batch, c.n_ubatch, c.n_seq_max = context, CHUNK, CHUNK, sequences
        c.n_threads = c.n_threads_batch = threads
        c.flash_attn_type = FLASH[flash]
        c.kv_unified = sequences > 1
        self.context = llama.llama_init_from_model(self.model, c)
        if not self.context:
            raise RuntimeError("llama.cpp can't make a context")
        self.vocab = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model))
        self.batch = llama.llama_batch_init(CHUNK, 0, 1)

    def close(self):
        llama.llama_batch_free(self.batch)
        llama.llama_free(self.context)
        llama.llama_model_free(self.model)

    def clear(self):
        llama.llama_memory_clear(llama.llama_get_memory(self.context), True)

    def decode(self, tokens):
        """Runs one pass over (position, sequence, wants logits) and returns its seconds."""
        b = self.batch
        b.n_tokens = len(tokens)
        for i, (pos, seq, logits) in enumerate(tokens):
            b.token[i] = 259 + (pos * 7919 + seq * 31) % (self.vocab - 259)
            b.pos[i], b.n_seq_id[i], b.logits[i] = pos, 1, logits
            b.seq_id[i][0] = seq
        start = time.perf_counter()
        if code := llama.llama_decode(self.context, b):
            raise RuntimeError(f"llama_decode: {code}")
        llama.llama_synchronize(self.context)
        return time.perf_counter() - start

    def read(self, n, seq=0):
        """Reads a prompt of n tokens and returns its seconds."""
        took = 0
        for at in range(0, n, CHUNK):
            end = min(at + CHUNK, n)
            took += self.decode([(pos, seq, pos == n - 1) for pos in range(at, end)])
        return took

    def fill(self, depth):
        """Makes the cache hold depth tokens: those of one chunk, over and over.

        What a decoding step costs depends on how much is cached, not on what. Reading
        32,768 tokens would take many minutes.
        """
        if depth <= CHUNK:
            self.read(depth)
            return
        self.read(CHUNK)
        size = llama.llama_state_seq_get_size(self.context, 0)
        state = (ctypes.c_uint8 * size)()
        if llama.llama_state_seq_get_data(self.context, state, size, 0) != size:
            raise RuntimeError("llama.cpp can't give its state")
        longer = tile(bytes(state), depth)
        self.clear()
        state = (ctypes.c_uint8 * len(longer)).from_buffer_copy(longer)
        if llama.llama_state_seq_set_data(self.context, state, len(longer), 0) != len(longer):
            raise RuntimeError("llama.cpp doesn't take its state back")
        last = llama.llama_memory_seq_pos_max(llama.llama_get_memory(self.context), 0)
        if last != depth - 1:
            raise RuntimeError(f"the cache ends at {last}, want {depth - 1}")


def tile(state, depth):
    """Lengthens a sequence's state to depth tokens, as llama-kv-cache.cpp writes it."""
    at = 0

    def take(form):
        nonlocal at
        v = struct.unpack_from("<" + form, state, at)
        at += struct.calcsize("<" + form)
        return v[0]

    def rows(size, n):
        nonlocal at
        data = state[at:at + size * n]
        at += size * n
        return (data * -(-depth // n))[:size * depth]

    magic, seq, streams, cells = (take("I") for _ in range(4))
    if streams != 1 or cells != CHUNK:
        raise RuntimeError(f"a state of {streams} streams and {cells} cells")
    out = [struct.pack("<IIII", magic, seq, streams, depth)]
    for _ in range(cells):
        take("i")
        if take("I") != 1 or take("I") != seq:
            raise RuntimeError("a cell of other sequences")
    out += [struct.pack("<iII", pos, 1, seq) for pos in range(depth)]
    transposed, layers = take("I"), take("I")
    out.append(struct.pack("<II", transposed, layers))
    for kind in ("keys", "values"):
        for _ in range(layers):
            typ = take("i")
            if kind == "values" and transposed:
                size, width = take("I"), take("I")
                out.append(struct.pack("<iII", typ, size, width))
                out += [rows(size, cells) for _ in range(width)]
            else:
                size = take("Q")
                out.append(struct.pack("<iQ", typ, size) + rows(size, cells))
    if at != len(state):
        raise RuntimeError(f"{len(state) - at} bytes of state are left")
    return b"".join(out)


class Peer:
    """What can be asked for."""

    def __init__(self):
        self.model = None

    def about(self, _):
        return {"name": "llama.cpp", "version": "llama-cpp-python " + llama.__version__,
                "system": llama.llama_print_system_info().decode().strip(" |")}

    def quantize(self, q):
        p = llama.llama_model_quantize_default_params()
        p.ftype, p.nthread = TYPES[q["type"]], os.cpu_count()
        if code := llama.llama_model_quantize(q["path"].encode(), (q["out"] + ".part").encode(), ctypes.byref(p)):
            raise RuntimeError(f"llama_model_quantize: {code}")
        os.replace(q["out"] + ".part", q["out"])
        return {}

    def open(self, q):
        self.close(q)
        start = time.perf_counter()
        self.model = Model(q["path"], q["threads"], q["context"], q.get("flash") or "auto", q.get("requests") or 1)
        self.model.read(8)
        return {"seconds": time.perf_counter() - start}

    def close(self, _):
        if self.model:
            self.model.close()
        self.model = None
        return {}

    def prefill(self, q):
        self.model.clear()
        used = cpu()
        return {"seconds": self.model.read(q["tokens"]), "cpu": cpu() - used}

    def decode(self, q):
        self.model.clear()
        self.model.fill(q["depth"])
        for i in range(2):
            self.model.decode([(q["depth"] + i, 0, True)])
        used = cpu()
        steps = [self.model.decode([(q["depth"] + 2 + i, 0, True)]) for i in range(q["tokens"])]
        return {"seconds": sum(steps), "cpu": cpu() - used, "steps": steps}

    def serve(self, q):
        """Reads a prompt per sequence, then decodes all of them together."""
        self.model.clear()
        took = sum(self.model.read(q["depth"], seq) for seq in range(q["requests"]))
        for i in range(q["tokens"]):
            took += self.model.decode([(q["depth"] + i, seq, True) for seq in range(q["requests"])])
        return {"seconds": took}


def main():
    quiet = llama.llama_log_callback(lambda level, text, data: None)
    llama.llama_log_set(quiet, None)
    llama.llama_backend_init()
    answers, peer = os.fdopen(os.dup(1), "w"), Peer()
    os.dup2(2, 1)  # whatever a library prints is no answer
    for line in sys.stdin:
        q = json.loads(line)
        try:
            a = {"result": getattr(peer, q["op"])(q)}
        except Exception as e:
            a = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(a), file=answers, flush=True)


main()
