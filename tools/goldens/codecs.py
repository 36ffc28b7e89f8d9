"""Writes the golden files of internal/engine/token for models that generate text.

    python codecs.py OUT

OUT is internal/engine/token/testdata. The vocabularies are small ones, of the texts
here, with each family's own normalizer, pre-tokenizer, model options and decoder; the
answers are those of Hugging Face's tokenizers and of SentencePiece.
"""
import base64
import collections
import io
import json
import pathlib
import random
import sys
import zlib

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, normalizers

from codectexts import TEXTS, noise
from patterns import BLOCKS, PATTERNS

MARK = "\u2581"
ALL = TEXTS + noise(2, 80)


def byte_chars():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


CHARS = byte_chars()


def added(first, special, user=(), **flags):
    out = []
    for i, content in enumerate([*special, *user]):
        t = dict(id=first + i, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=content in special)
        t.update(flags.get(f"flag{i}", {}))
        out.append(t)
    return out


def byte_level_merges(pre_tokenizer, normalizer, count):
    """A byte-level vocabulary: the most frequent pair first, of equal ones the first by name."""
    t = Tokenizer.from_str(json.dumps(dict(base(), normalizer=normalizer, pre_tokenizer=pre_tokenizer)))
    words = collections.Counter()
    for text in TEXTS:
        norm = t.normalizer.normalize_str(text) if t.normalizer else text
        words.update(w for w, _ in t.pre_tokenizer.pre_tokenize_str(norm) if len(w) < 60)
    words = [[list(w), n] for w, n in sorted(words.items())]
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for w, n in words:
            for pair in zip(w, w[1:]):
                pairs[pair] += n
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        for entry in words:
            w, i = entry[0], 0
            while i < len(w) - 1:
                if (w[i], w[i + 1]) == best:
                    w[i:i + 2] = [w[i] + w[i + 1]]
                i += 1
    vocab = {c: i for i, c in enumerate(CHARS[b] for b in sorted(CHARS, key=lambda b: CHARS[b]))}
    for a, b in merges:
        vocab.setdefault(a + b, len(vocab))
    return vocab, merges


def base():
    return dict(version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=None, post_processor=None,
                decoder=None, model=dict(type="BPE", vocab={}, merges=[]))


def split(regex):
    return dict(type="Split", pattern=dict(Regex=regex), behavior="Isolated", invert=False)


def bytes_only(use_regex=False):
    return dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=use_regex)


def sequence(*stages):
    return dict(type="Sequence", pretokenizers=list(stages))


CHAT = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
BYTE_LEVEL = {
    "gpt2": dict(pre=bytes_only(True), special=["<|endoftext|>"], flag0=dict(normalized=True)),
    "llama3": dict(pre=sequence(split(PATTERNS["llama3"]), bytes_only()), ignore=True, special=["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>"],
                   whole=["ĠSupercalifragilistic", "antidisestablishmentarianism", "Ġlocale"], begin="<|begin_of_text|>"),
    "qwen2": dict(pre=sequence(split(PATTERNS["qwen2"]), bytes_only()), norm=dict(type="NFC"), special=CHAT, user=["<tool_call>", "</tool_call>"]),
    "smollm": dict(pre=sequence(dict(type="Digits", individual_digits=True), bytes_only(True)), special=CHAT,
                   flag1=dict(lstrip=True, rstrip=True), flag2=dict(single_word=True), count=250),
    "deepseek": dict(pre=sequence(split(r"\p{N}{1,3}"), split(PATTERNS["deepseek han"]), split(PATTERNS["deepseek"]), bytes_only()),
                     special=["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"], count=250),
    "tekken": dict(pre=sequence(split(PATTERNS["tekken"]), bytes_only()), ignore=True, special=["<s>", "</s>", "[INST]", "[/INST]"], count=250),
}


def byte_level(pre, special, norm=None, ignore=False, user=(), whole=(), begin=None, count=450, **flags):
    f = base()
    f["normalizer"], f["pre_tokenizer"], f["decoder"] = norm, pre, dict(bytes_only(True), add_prefix_space=True)
    vocab, merges = byte_level_merges(pre, norm, count)
    for w in whole:  # tokens that no merge makes
        vocab[w] = len(vocab)
    f["added_tokens"] = added(len(vocab), special, user, **flags)
    f["model"] = dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None, fuse_unk=False,
                      byte_fallback=False, ignore_merges=ignore, vocab=vocab, merges=[" ".join(m) for m in merges])
    if begin:
        token = next(t for t in f["added_tokens"] if t["content"] == begin)
        f["post_processor"] = dict(type="Sequence", processors=[bytes_only(), dict(
            type="TemplateProcessing", single=[dict(SpecialToken=dict(id=begin, type_id=0)), dict(Sequence=dict(id="A", type_id=0))],
            pair=[dict(Sequence=dict(id="A", type_id=0)), dict(Sequence=dict(id="B", type_id=1))],
            special_tokens={begin: dict(id=begin, ids=[token["id"]], tokens=[begin])})])
    return f


def train(model_type, size, **options):
    """A SentencePiece model of the texts."""
    out = io.BytesIO()
    few = [text for text in TEXTS if sum(c > "\u0530" for c in text) * 4 <= len(text)]  # or all characters would be tokens
    lines = [line for text in few for line in text.split("\n") if line and "\x00" not in line]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, model_type=model_type, vocab_size=size, num_threads=1, minloglevel=2,
        hard_vocab_limit=False, split_digits=True, allow_whitespace_only_pieces=True, **options)
    return out.getvalue()


def table(proto):
    m = sentencepiece_model_pb2.ModelProto()
    m.ParseFromString(proto)
    return m


def generated_merges(pieces):
    """The merges of a vocabulary, as transformers makes them of a SentencePiece model."""
    ids = {p.piece: i for i, p in enumerate(pieces)}
    score = {p.piece: p.score for p in pieces}
    merges = []
    for i, p in enumerate(pieces):
        if p.type != 1:
            continue
        local = [(p.piece[:k], p.piece[k:]) for k in range(1, len(p.piece)) if p.piece[:k] in ids and p.piece[k:] in ids]
        merges += sorted(local, key=lambda m: (ids[m[0]], ids[m[1]]))
    return sorted(merges, key=lambda m: -score[m[0] + m[1]])


LLAMA = dict(byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=0.98, unk_surface=" \u2047 ")


def replace_decoders(*more):
    return dict(type="Sequence", decoders=[dict(type="Replace", pattern=dict(String=MARK), content=" "), dict(type="ByteFallback"), dict(type="Fuse"), *more])


def sentence_piece(proto, family):
    m = table(proto)
    f = base()
    f["model"] = dict(type="BPE", dropout=None, unk_token="<unk>", continuing_subword_prefix=None, end_of_word_suffix=None, fuse_unk=True,
                      byte_fallback=True, ignore_merges=False, vocab={p.piece: i for i, p in enumerate(m.pieces)},
                      merges=[list(x) for x in generated_merges(m.pieces)])
    f["added_tokens"] = added(0, ["<unk>", "<s>", "</s>"])
    marks = dict(type="Replace", pattern=dict(String=" "), content=MARK)
    lead = dict(type="Strip", content=" ", start=1, stop=0)
    if family == "llama2":
        f["normalizer"] = dict(type="Sequence", normalizers=[dict(type="Prepend", prepend=MARK), marks])
        f["decoder"] = replace_decoders(lead)
    elif family == "mistral":
        f["pre_tokenizer"] = dict(type="Metaspace", replacement=MARK, prepend_scheme="first", split=False)
        f["decoder"] = replace_decoders(lead)
        f["added_tokens"] += added(len(m.pieces), ["[INST]", "[/INST]"])
    else:
        f["normalizer"] = marks
        f["pre_tokenizer"] = dict(type="Split", pattern=dict(String=" "), behavior="MergedWithPrevious", invert=False)
        f["decoder"] = replace_decoders()
        f["added_tokens"] += added(len(m.pieces), ["<end_of_turn>"], ["\n\n", "\n\n\n", MARK * 2, MARK * 4, "<table>"])
    return f


RULES = """ﬁ\tfi
ﬂ\tfl
Ａ\tA
ａ\ta
１\t1
！\t!
\u3000\t\u0020
\u00a0\t\u0020
\t\t\u0020
\n\t\u0020
\r\t\u0020
é\té
É\tÉ
…\t...
™\tTM
½\t1⁄2
가\t가
각\t각
ﷺ\tصلى الله عليه وسلم
\u200b\t\u0020
\ufeff\t
"""


def rules(path):
    """The rules in SentencePiece's form, code points in hexadecimal; é and the like from their parts."""
    parts = {"é": "e\u0301", "É": "E\u0301", "가": "\u1100\u1161", "각": "\u1100\u1161\u11a8"}
    with open(path, "w") as f:
        for line in RULES.replace("\t\t\u0020\n\n\t\u0020\n\r\t\u0020\n", "").split("\n"):
            if line:
                left, right = line.split("\t")
                f.write(" ".join("%X" % ord(c) for c in parts.get(left, left)) + "\t" + " ".join("%X" % ord(c) for c in right) + "\n")
        for c in "\t\n\r":
            f.write("%X\t20\n" % ord(c))


def unigram(proto, family):
    m = table(proto)
    f = base()
    f["model"] = dict(type="Unigram", unk_id=m.trainer_spec.unk_id, vocab=[[p.piece, p.score] for p in m.pieces], byte_fallback=family == "bytes")
    meta = dict(type="Metaspace", replacement=MARK, prepend_scheme="always", split=True)
    f["added_tokens"] = added(0, ["<unk>", "<s>", "</s>"])
    f["pre_tokenizer"], f["decoder"] = meta, meta
    f["normalizer"] = dict(type="Sequence", normalizers=[
        dict(type="Precompiled", precompiled_charsmap=base64.b64encode(m.normalizer_spec.precompiled_charsmap).decode()),
        dict(type="Strip", strip_left=False, strip_right=True), dict(type="Replace", pattern=dict(Regex=" {2,}"), content=MARK)])
    if family == "xlmr":
        f["normalizer"] = f["normalizer"]["normalizers"][0]
        f["pre_tokenizer"] = sequence(dict(type="WhitespaceSplit"), meta)
    if family == "bytes":
        f["normalizer"] = dict(type="NFKC")
        f["decoder"] = dict(type="Sequence", decoders=[dict(type="ByteFallback"), meta])
    return f


def answers(f):
    t = Tokenizer.from_str(json.dumps(f))
    r = random.Random(3)
    golden = {"ids": [], "texts": {}, "decoded": []}
    for i, text in enumerate(ALL):
        ids = t.encode(text, add_special_tokens=False).ids
        golden["ids"].append(ids)
        back = t.decode(ids, skip_special_tokens=False)
        if back != text:  # of the others it is the same
            golden["texts"][i] = back
    size = t.get_vocab_size()
    for _ in range(60):  # tokens that no text has in this order
        ids = [r.randrange(size) if r.random() < 0.5 else r.randrange(min(size, 300)) for _ in range(r.randrange(1, 12))]
        golden["decoded"].append({"ids": ids, "text": t.decode(ids, skip_special_tokens=False)})
    return golden


def dump(path, golden):
    line = lambda x: json.dumps(x, separators=(",", ":"))
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(json.dumps(k) + ": " + ("[\n" + ",\n".join(line(x) for x in v) + "\n]" if isinstance(v, list) else line(v))
                                   for k, v in golden.items()) + "\n}\n")


def forms():
    """Every code point beside marks of a low and a high class, as a checksum for each block."""
    out = {}
    for name in ("NFC", "NFD", "NFKC", "NFKD"):
        n = getattr(normalizers, name)()
        sums = []
        for block in BLOCKS:
            text = "".join(f"a\u0345{c}\u0334\u0301 {c}\u0327" for c in map(chr, range(block, block + 0x1000)) if not "\ud800" <= c < "\ue000")
            sums.append("%08x" % zlib.crc32(n.normalize_str(text).encode()))
        long = "".join("a\u0345\u0334\u0301\u0323\u0344"[i * 7 % 6] for i in range(200)) + "\u1112\u1161\u11ab\u0334\u1ab0"
        out[name] = {"codepoints": "".join(sums), "long": long, "normal": n.normalize_str(long)}
    return out


def main():
    out = pathlib.Path(sys.argv[1]) / "codec"
    out.mkdir(parents=True, exist_ok=True)
    (out / "texts.json").write_text("[\n" + ",\n".join(json.dumps(x) for x in ALL) + "\n]\n")
    dump(out / "forms.json", forms())
    files = {name: byte_level(**options) for name, options in BYTE_LEVEL.items()}
    bpe = train("bpe", 900, **LLAMA)
    files |= {name: sentence_piece(bpe, name) for name in ("llama2", "mistral", "gemma")}
    tsv = out / "rules.tsv"
    rules(tsv)
    t5 = train("unigram", 700, normalization_rule_tsv=str(tsv), character_coverage=0.98)
    plain = train("unigram", 700, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False, character_coverage=0.98)
    tsv.unlink()
    files |= {"t5": unigram(t5, "t5"), "xlmr": unigram(t5, "xlmr"), "bytes": unigram(plain, "bytes")}
    for name, f in files.items():
        (out / f"{name}.tokenizer.json").write_text(json.dumps(f, ensure_ascii=True, separators=(",", ":")) + "\n")
        dump(out / f"{name}.golden.json", answers(f))
    # What SentencePiece itself answers, for the tables that GGUF files hold.
    for name, proto in {"llama": bpe, "t5": t5}.items():
        m = table(proto)
        s = sentencepiece.SentencePieceProcessor(model_proto=proto)
        dump(out / f"{name}.table.json", {
            "tokens": [p.piece for p in m.pieces], "scores": [p.score for p in m.pieces], "types": [p.type for p in m.pieces],
            "charsmap": base64.b64encode(m.normalizer_spec.precompiled_charsmap).decode(),
            "ids": [s.encode(x) for x in ALL]})


if __name__ == "__main__":
    main()
