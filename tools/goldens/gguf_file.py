"""Writes the golden files of internal/engine/gguf with the reference implementation of
the format: one file with values and tensors of every kind, the same tensors in two
shards, and a JSON file that says what is in them.

    python gguf_file.py OUT

OUT is internal/engine/gguf/testdata.
"""
import json
import pathlib
import sys

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFValueType as V

ROWS, COLS = 3, 256


def values(w):
    """Puts values of every kind; returns them as JSON has them."""
    scalars = {
        "uint8": 200, "int8": -100, "uint16": 60000, "int16": -30000, "uint32": 4000000000, "int32": -2000000000,
        "uint64": 9000000000000000000, "int64": -9000000000000000000, "float32": 0.5, "float64": 1e100, "bool": True,
    }
    for kind, v in scalars.items():
        getattr(w, "add_" + kind)("test." + kind, v)
    strings = ["", "plain", "größer 東京 🙂", "line\nbreak\0"]
    w.add_string("test.string", strings[2])
    w.add_array("test.strings", strings)
    w.add_key_value("test.ints", [-1, 0, 2147483647], V.ARRAY, sub_type=V.INT32)
    w.add_key_value("test.bytes", [0, 127, 255], V.ARRAY, sub_type=V.UINT8)
    w.add_key_value("test.longs", [-(1 << 62), 1 << 62], V.ARRAY, sub_type=V.INT64)
    w.add_key_value("test.floats", [0.25, -1e30], V.ARRAY, sub_type=V.FLOAT32)
    w.add_key_value("test.bools", [True, False], V.ARRAY, sub_type=V.BOOL)
    return scalars | {"string": strings[2], "strings": strings, "ints": [-1, 0, 2147483647], "bytes": [0, 127, 255],
                      "longs": [-(1 << 62), 1 << 62], "floats": [0.25, float(np.float32(-1e30))]}


def tensors(w):
    """Adds one tensor of each type that numpy code of the reference can write; returns
    the values that they stand for."""
    rng = np.random.default_rng(7)
    out = {}
    for t in [T.F32, T.F16, T.BF16, T.Q8_0, T.Q4_0, T.Q5_0]:
        x = rng.normal(size=(ROWS, COLS)).astype(np.float32)
        raw = gguf.quants.quantize(x, t)
        name = f"{t.name.lower()}.weight"
        if t in (T.F32, T.F16):
            w.add_tensor(name, raw)
        else:
            w.add_tensor(name, raw, raw_dtype=t)
        back = gguf.quants.dequantize(raw, t).astype(np.float64)
        # Sums find any element that is wrong or in another place.
        out[name] = {"type": t.name, "shape": [ROWS, COLS], "first": back[0, :4].tolist(),
                     "sum": float((back * np.arange(1, ROWS * COLS + 1).reshape(ROWS, COLS)).sum())}
    w.add_tensor("norm.weight", np.arange(5, dtype=np.float32))
    out["norm.weight"] = {"type": "F32", "shape": [5], "first": [0, 1, 2, 3], "sum": 40.0}
    return out


def write(path, **split):
    w = gguf.GGUFWriter(path, "test", **split)
    golden = {"values": values(w), "tensors": tensors(w)}
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return golden


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    golden = write(out / "whole.gguf")
    write(out / "split.gguf", split_max_tensors=4)
    (out / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")


main(pathlib.Path(sys.argv[1]))
