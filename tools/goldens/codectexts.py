"""More texts that tokenizers get wrong: code, runs, digits, emoji, very long words."""

import random

from texts import TEXTS as BASIC

CODE = [
    "package main\n\nimport (\n\t\"fmt\"\n)\n\nfunc main() {\n\tfor i := 0; i < 10; i++ {\n\t\tfmt.Printf(\"%d\\n\", i)\n\t}\n}\n",
    "class Tree<T extends Comparable<T>> {\n    private Node root; // the root\n    int size() { return root == null ? 0 : root.size; }\n}\r\n",
    "SELECT id, count(*) AS n FROM t WHERE a <> 'it''s' AND b >= 1e-9 GROUP BY 1 HAVING n > 3; -- done",
    "<div class=\"a b\" data-x='1'>\n  <!-- comment --> &amp; &#x27; <br/></div>\n\n\n",
    "if (a&&b||!c){x+=y<<2;z=~q^p;}/*c*/ #include <stdio.h>\n\\begin{x}$\\alpha_{i}^{2}$\\end{x}",
    "    indented\n        more\n\t\ttabs\n  \n \t mixed\n\n\n\nend   \n",
    "curl -sS https://example.com/a/b?c=d\\&e=f | jq '.[] | {id, name}' > out.json 2>&1 && echo $?",
    "x = [i**2 for i in range(0x10, 0b11, -1) if not i % 3]  # it's John's, we'll we've they're I'm I'd don't IT'S WE'LL",
]

RUNS = [
    " " * n for n in (2, 3, 4, 7, 8, 16, 17, 33)] + [
    "\n" * 5, "\t" * 5, "\r\n" * 4, " \n \n  \n", "\n  x", "  \n\n  x", "\u3000\u3000x", "\u00a0\u00a0 x", "a  b   c    d", "x \n", "x\n ",
    " leading", "trailing ", "  two leading", "\u2581already\u2581there", "\u2581", " \u2581 ", "\u2581\u2581\u2581x", "a\u2028\u2029b \u0085 c",
    "a" * 300, "ab" * 150, "aab" * 100, "é" * 120, "中" * 150, "😀" * 60, "=" * 80, "-" * 33 + ">" + "." * 50, "!?" * 30, "'" * 9, "_" * 20,
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2,
]

DIGITS = [
    "1", "12", "123", "1234", "12345", "1234567890123", "1,234,567.89", "3.14159265358979", "v1.2.3-rc4", "2024-05-17T12:34:56.789Z", "x1y22z333w4444",
    "0xDEADBEEF 1e10 1_000_000", "²³¹ ½¼¾ ①②③ Ⅻ ༣ ๓๔๕ ٣٤٥ 一二三 １２３４ 𝟘𝟙𝟚𝟛", "٠١٢٣٤٥٦٧٨٩", "5'10\" 100% $5 €10 £3.50 #1 @2 *3", "1st 2nd 3rd 4th",
]

MIXED = [
    "'s 'S 't 'RE 've 'M 'll 'LL 'd 'D ' s 'x '\u017f '\u017fe it\u2019s IT'S It'S '''s don''t",
    "HELLO World helloWorld HelloWORLD XMLHttpRequest iPhone eBay McDonald's O'Neill NASA's ÉCOLE École éCOLE ǅabc ǅABC",
    "\u200d\u200d👩‍👩‍👧‍👦👨🏿‍🚀🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣ #️⃣ ❤️‍🔥 🇩🇪🇫🇷🇯🇵🇺 🫱🏻‍🫲🏿",
    "a\u0300\u0301\u0302b c\u0327\u0301 \u0344 \u0958 \u2126 \u212b \u1e9b\u0323 \ufb01 \uac00\u11a8 \u1100\u1161\u11a8 \u0f73 \u0b94",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034d\u0041\u036b\u0357\u0334\u0362\u0335\u031c\u0330\u0354L",
    "o" + "\u0363\u0301\u0327\u0345\u0334" * 20 + "e\u0301" * 3,
    "नमस्ते क्षत्रिय ज्ञान श्री କ୍ଷ ಕ್ಷ తెలుగు മലയാളം සිංහල ਪੰਜਾਬੀ ગુજરાતી",
    "ภาษาไทยเป็นภาษาที่ไม่มีการเว้นวรรคระหว่างคำ กำลังน้ำแข็ง",
    "我喜欢编程，特别是Go语言和Python3.11！“引号”『』（括号）…… ㈱ ㍿ ｶﾞ ﾊﾟ カ\u3099 龍 龍",
    "السَّلَامُ عَلَيْكُمْ ‏RTL‎ mark \u061c \u0640\u0640 لا إله ﷲ ﷺ",
    "\ufeffBOM first", "soft\u00adhyphen word\u2060joiner zero\u200bwidth", "null\x00inside \x01\x02 \x7f \x80".replace("\x80", "\u0080"),
    "<0x0A> <0xFF> <unk> <s> </s> <pad> [INST] [/INST] <<SYS>> <|endoftext|> <|im_start|>user<|im_end|> <|eot_id|> <tool_call>",
    "<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nHi!<|im_end|>\n<|im_start|>assistant\n",
    "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST] Hello </s><s>[INST] Bye [/INST]", "a<s>b <s> c</s></s> d", "<|im_start|><|im_start|> <|im_end|>x<|im_end", " <|im_end|> ",
    "Ünïcödé ÇŞĞİ łódź Ærøskøbing Þórr ĳ ŉ Ŀ ſt", "ᵃᵇᶜ ʰʲ ₐₑ ªº ﬀﬁﬂ ℌ ℕ Ⓐ 🄰 🅰 ㎏ ㏒ ﾡ ￠",
]


def noise(seed, count=60):
    """Strings of characters from everywhere, the same ones every time."""
    r = random.Random(seed)
    pools = [
        lambda: chr(r.randrange(0x20, 0x7f)), lambda: chr(r.randrange(0x20, 0x7f)), lambda: r.choice(" \t\n\r\u00a0\u3000"), lambda: r.choice("'sSlLdDtTrReEmMvV"),
        lambda: chr(r.randrange(0xa0, 0x250)), lambda: chr(r.randrange(0x300, 0x370)), lambda: chr(r.randrange(0x370, 0x700)), lambda: chr(r.randrange(0x900, 0x1200)),
        lambda: chr(r.randrange(0x1e00, 0x2c00)), lambda: chr(r.randrange(0x3000, 0xa000)), lambda: chr(r.randrange(0xac00, 0xd7a4)), lambda: chr(r.randrange(0xe000, 0x10000)),
        lambda: chr(r.randrange(0x10000, 0x20000)), lambda: r.choice("0123456789²½٣"), lambda: r.choice("😀👍🏽\u200d\ufe0f🇫🇷"),
    ]
    out = []
    for _ in range(count):
        few = r.sample(pools, r.randrange(1, 5))
        out.append("".join(r.choice(few)() for _ in range(r.randrange(1, 40))))
    return out


TEXTS = BASIC + CODE + RUNS + DIGITS + MIXED
