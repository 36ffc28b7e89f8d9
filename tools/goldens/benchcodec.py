"""Measures codecs beside Hugging Face's tokenizers, one thread each, in turns.

    python tools/goldens/benchcodec.py TOKENIZER.json TEXT [TOKENIZER.json TEXT ...]

Prints CPU time as MB/s, the best of three turns, and whether the tokens are as many.
"""
import os
import re
import subprocess
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer

TURNS = 3


def reference(tokenizer, text):
    start = time.process_time()
    n = len(tokenizer.encode(text, add_special_tokens=False).ids)
    return len(text.encode()) / (time.process_time() - start) / 1e6, n


def ours(file, input):
    env = dict(os.environ, OUTCROP_TOKENIZER=os.path.abspath(file), OUTCROP_TEXT=os.path.abspath(input), GOMAXPROCS="1")
    out = subprocess.run(["go", "test", "-run", "^$", "-bench", "^BenchmarkCodecFile$", "-benchtime", "5x", "./internal/engine/token"],
                         env=env, capture_output=True, text=True, check=True).stdout
    return float(re.search(r"([\d.]+) MB/s", out)[1]), int(float(re.search(r"([\d.e+]+) tokens", out)[1]))


def main():
    for file, input in zip(sys.argv[1::2], sys.argv[2::2]):
        tokenizer = Tokenizer.from_file(file)
        with open(input, encoding="utf-8") as f:
            text = f.read()
        theirs, mine = [], []
        for _ in range(TURNS):
            theirs.append(reference(tokenizer, text))
            mine.append(ours(file, input))
        a, b = max(theirs), max(mine)
        same = "as many tokens" if a[1] == b[1] else f"{b[1]} tokens, not {a[1]}"
        print(f"{file} {input}: reference {a[0]:.1f} MB/s, here {b[0]:.1f} MB/s, {b[0] / a[0]:.1f}x, {same}", flush=True)


if __name__ == "__main__":
    main()
