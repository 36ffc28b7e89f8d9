"""Writes the golden files of internal/engine/token with Hugging Face's tokenizers.

    python tokens.py OUT [MINILM]

OUT is internal/engine/token/testdata, MINILM the folder of all-MiniLM-L6-v2.
"""
import json
import pathlib
import sys
import zlib

import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from texts import PAIRS, TEXTS

out = pathlib.Path(sys.argv[1])


def small(**norm):
    """Trains a little WordPiece model on the texts themselves."""
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(**norm)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    # The alphabet is limited, so that there are unknown characters.
    t.train_from_iterator(TEXTS, trainers.WordPieceTrainer(
        vocab_size=700, limit_alphabet=300, show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    # A trainer leaves the order of equal counts open: sort, so that runs agree.
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab += sorted(w for w in t.get_vocab() if w not in vocab)
    return rebuild(t, {w: i for i, w in enumerate(vocab)})


def rebuild(t, vocab):
    n = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    n.normalizer, n.pre_tokenizer = t.normalizer, t.pre_tokenizer
    n.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])])
    n.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
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


main()
