"""Writes the golden files of internal/engine/token/pattern with Hugging Face's tokenizers.

    python patterns.py OUT

OUT is internal/engine/token/pattern/testdata.
"""
import json
import pathlib
import sys
import zlib

from tokenizers import Regex, pre_tokenizers

from codectexts import TEXTS, noise

LETTERS = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
SMALL = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
PATTERNS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt4o": rf"[^\r\n\p{{L}}\p{{N}}]?[{LETTERS}]*[{SMALL}]+{CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?[{LETTERS}]+[{SMALL}]*{CONTRACTIONS}?"
             r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "tekken": rf"[^\r\n\p{{L}}\p{{N}}]?[{LETTERS}]*[{SMALL}]+|[^\r\n\p{{L}}\p{{N}}]?[{LETTERS}]+[{SMALL}]*"
              r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen marks": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "deepseek": "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    "deepseek han": "[一-龥぀-ゟ゠-ヿ]+",
    "possessive": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s*[\r\n]|\s+(?!\S)|\s+",
    "other syntax": r"(?:a(?:b|c)?|\w{0}x{2,}|[^\S\n]{2}(?=\p{L})|[\d-]+|\u00e9\P{L})".replace(r"\w{0}", "").replace(r"\d", "0-9"),
}

# The code points that are tried: what lies elsewhere is not assigned or of private use.
BLOCKS = [*range(0, 0x33000, 0x1000), 0xE0000, 0xFF000, 0x10F000]


def cut(splitter, text):
    """The lengths in bytes of the parts of a text, matches and what lies between."""
    return [len(w.encode()) for w, _ in splitter.pre_tokenize_str(text)]


def around(c):
    return f"a{c}B {c}1\n{c}{c} '{c} A{c}a{c}'s {c}\n"


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    texts = TEXTS + noise(1, 150)
    golden = {}
    for name, expr in PATTERNS.items():
        splitter = pre_tokenizers.Split(Regex(expr), "isolated")
        sums = []
        for block in BLOCKS:
            crc = 0
            for few in range(block, block + 0x1000, 64):
                text = "".join(around(chr(c)) for c in range(few, few + 64) if not 0xD800 <= c < 0xE000)
                crc = zlib.crc32(bytes(n & 255 for n in cut(splitter, text)), crc)
            sums.append("%08x" % crc)
        golden[name] = {"expr": expr, "words": [cut(splitter, t) for t in texts], "codepoints": "".join(sums)}
    with open(out / "golden.json", "w") as f:
        f.write('{"texts": [\n' + ",\n".join(json.dumps(t) for t in texts) + "\n],\n\"patterns\": {\n")
        f.write(",\n".join(json.dumps(k) + ": " + json.dumps(v, separators=(",", ":")) for k, v in golden.items()) + "\n}}\n")


if __name__ == "__main__":
    main()
