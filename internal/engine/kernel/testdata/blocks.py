"""Writes blocks.json: random blocks of each type and the values that the gguf package
(PyPI) reads from them. Run: pip install gguf==0.19.0 && python3 blocks.py"""
import json, os, random
import numpy as np, gguf

random.seed(1)
out = []
for name in "F32 F16 BF16 Q4_0 Q5_0 Q8_0 Q4_K Q5_K Q6_K".split():
    typ = gguf.GGMLQuantizationType[name]
    length, size = gguf.GGML_QUANT_SIZES[typ]
    n = 2 if length > 1 else 16
    raw = bytearray(random.randbytes(n * size))
    for b in range(n):  # halves of ordinary size: 2**-7 to 2**3
        for at in {"Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "F32": []}.get(name, [0]):
            raw[b * size + at + 1] = random.choice([0x20, 0xA0]) | random.randrange(0x10, 0x1C) if length > 1 else 0x3C
        if name == "F32":
            raw[b * size + 3] = 0x3F
    data = np.frombuffer(bytes(raw), dtype=np.uint8).reshape(1, -1)
    values = gguf.quants.dequantize(data.view({"F32": np.float32, "F16": np.float16}.get(name, np.uint8)), typ)
    out.append({"type": name, "number": int(typ), "raw": raw.hex(), "values": [float(v) for v in np.asarray(values, np.float32).flatten()]})
with open(os.path.join(os.path.dirname(__file__), "blocks.json"), "w") as f:
    json.dump(out, f)
    f.write("\n")
