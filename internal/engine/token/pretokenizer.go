package token

import "github.com/outcrop-ai/outcrop/internal/engine/token/pattern"

// Expressions of families that have no scanner of their own.
const (
	deepSeekHan   = "[一-龥\u3040-ゟ゠-ヿ]+"
	deepSeekWords = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
	bailing       = `'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`
	falconSigns   = "[\\p{P}\\$\\+<=>\\^~\\|`]+"
	defaultSigns  = `[\p{P}\$\+<=>\^~\|]+`
)

// preTokenizer returns the one that a file names in tokenizer.ggml.pre.
func preTokenizer(name string) (p pre, ok bool) {
	switch name {
	case "", "default":
		p.expressions = []string{defaultSigns, pattern.GPT2, `\p{N}+`, `[0-9][0-9][0-9]`}
	case "falcon":
		p.expressions = []string{falconSigns, pattern.GPT2, `[0-9][0-9][0-9]`}
	case "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "modern-bert", "jina-es", "jina-de", "roberta-bpe", "gigachat":
		p.expressions = []string{pattern.GPT2}
	case "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2":
		p = pre{expressions: []string{pattern.Llama3}, ignoreMerges: true, addBOS: true}
	case "dbrx", "smaug-bpe", "chatglm-bpe", "glm4":
		p.expressions = []string{pattern.Llama3}
	case "qwen2":
		p = pre{expressions: []string{pattern.Qwen2}, nfc: true}
	case "stablelm2", "hunyuan", "megrez", "deepseek-r1-qwen", "solar-open":
		p.expressions = []string{pattern.Qwen2}
	case "qwen35":
		p = pre{expressions: []string{pattern.Qwen35}, nfc: true}
	case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b":
		p.expressions = []string{`\p{N}`, pattern.GPT2}
	case "gpt-4o", "llama4":
		p = pre{expressions: []string{pattern.GPT4o}, ignoreMerges: true}
	case "tekken":
		p = pre{expressions: []string{pattern.Tekken}, ignoreMerges: true}
	case "bailingmoe", "bailingmoe2", "llada-moe":
		p.expressions = []string{bailing}
	case "deepseek-v3", "hunyuan-dense", "joyai-llm":
		p.expressions = []string{`\p{N}{1,3}`, deepSeekHan, deepSeekWords}
	}
	return p, len(p.expressions) > 0
}

// pre is a pre-tokenizer that has a name in GGUF files: the expressions that cut, one
// after the other.
type pre struct {
	expressions  []string
	ignoreMerges bool
	addBOS       bool // when the file says nothing
	// nfc: the family normalizes, though a GGUF file doesn't say so.
	nfc bool
}

func (p pre) cutter() (cutter, func(string, int) int, error) {
	var cutters []cutter
	var whole func(string, int) int
	for _, e := range p.expressions {
		x, err := pattern.Compile(e)
		if err != nil {
			return nil, nil, err
		}
		whole = x.Whole()
		cutters = append(cutters, splitter(x.Split, isolated, false))
	}
	if len(cutters) > 1 {
		whole = nil
	}
	return inTurn(cutters), whole, nil
}
