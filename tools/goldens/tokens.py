"""Writes the golden files of internal/engine/token with Hugging Face's tokenizers.

    python tokens.py OUT [MINILM]

OUT is internal/engine/token/testdata, MINILM the folder of all-MiniLM-L6-v2.
"""
import collections
import json
import pathlib
import sys
import zlib

import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from texts import PAIRS, TEXTS



SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def small(size=700, alphabet=300, **norm):
    """A little WordPiece tokenizer with the commonest letters and pieces of the texts.

    The library's trainer is not used: it breaks ties differently from run to run.
    """
    n = normalizers.BertNormalizer(**norm)
    p = pre_tokenizers.BertPreTokenizer()
    words = [w for text in TEXTS for w, _ in p.pre_tokenize_str(n.normalize_str(text)) if len(w) <= 100]
    letters = collections.Counter("##" * (i > 0) + c for w in words for i, c in enumerate(w))
    pieces = collections.Counter("##" * (i > 0) + w[i:i + k] for w in words for i in range(len(w)) for k in range(2, 9) if i + k <= len(w))
    ranked = lambda counter: sorted(counter, key=lambda w: (-counter[w], w))
    vocab = SPECIAL + ranked(letters)[:alphabet]
    vocab += [w for w in ranked(pieces) if w not in vocab][:size - len(vocab)]
    return build(n, p, {w: i for i, w in enumerate(vocab)})


def build(normalizer, pre_tokenizer, vocab):
    n = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    n.normalizer, n.pre_tokenizer = normalizer, pre_tokenizer
    n.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
    n.add_special_tokens(SPECIAL)
    return n


def answers(t):
    t.no_truncation()
    t.no_padding()
    golden = {"texts": [], "pairs": []}
    for text in TEXTS:
        golden["texts"].append({"text": text, "ids": t.encode(text).ids})
    for a, b in PAIRS:
        for limit in (0, 3, 4, 12, 17, 64):
            if limit:
                t.enable_truncation(limit, strategy="longest_first")
            else:
                t.no_truncation()
            e = t.encode(a, b)
            golden["pairs"].append({"first": a, "second": b, "limit": limit, "ids": e.ids, "types": e.type_ids})
    t.no_truncation()
    return golden


def dump(path, value, lines):
    """Writes JSON with one line per entry, so that changes can be read."""
    with open(path, "w") as f:
        if not lines:
            json.dump(value, f, ensure_ascii=True)
        else:
            f.write("{\n" + ",\n".join(
                json.dumps(k) + ": [\n" + ",\n".join("  " + json.dumps(x) for x in v) + "\n]"
                for k, v in value.items()) + "\n}")
        f.write("\n")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    variants = {
        "uncased": dict(lowercase=True),
        "cased": dict(lowercase=False, strip_accents=False),
        "accents": dict(lowercase=True, strip_accents=False, handle_chinese_chars=False),
    }
    for name, norm in variants.items():
        t = small(**norm)
        if name == "accents":  # tokens that are added later, with every flag
            t.add_tokens([tokenizers.AddedToken("end", single_word=True), tokenizers.AddedToken("Wor", lstrip=True, rstrip=True),
                          tokenizers.AddedToken("the man", normalized=True), tokenizers.AddedToken("the", normalized=True)])
        (out / f"{name}.tokenizer.json").write_text(t.to_str() + "\n")
        dump(out / f"{name}.golden.json", answers(t), lines=True)
    if len(sys.argv) > 2:
        t = Tokenizer.from_file(sys.argv[2] + "/tokenizer.json")
        dump(out / "minilm.golden.json", answers(t), lines=True)

    # Every code point: normal form and words, as a checksum for each block of 256.
    n = normalizers.BertNormalizer(lowercase=True)
    p = pre_tokenizers.BertPreTokenizer()
    sums = []
    for block in range(0, 0x110000, 256):
        crc = 0
        for c in range(block, block + 256):
            if 0xD800 <= c < 0xE000:
                continue
            s = "A" + chr(c) + "B"
            line = n.normalize_str(s) + "\n" + "|".join(w for w, _ in p.pre_tokenize_str(s)) + "\n"
            crc = zlib.crc32(line.encode(), crc)
        sums.append("%08x" % crc)
    # Most blocks hold nothing, but their sums differ as the code points do.
    (out / "codepoints.crc32").write_text("\n".join("".join(sums[i:i + 16]) for i in range(0, len(sums), 16)) + "\n")


if __name__ == "__main__":
    main()
