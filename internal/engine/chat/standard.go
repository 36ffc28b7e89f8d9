package chat

import (
	"embed"
	"fmt"
	"strings"
)

// templates are those of formats in wide use, for models that bring none.
//
//go:embed templates/*.jinja
var templates embed.FS

// standard returns the template for a model that brings none, told by the markers in
// its vocabulary; where those of several formats are there, that of its architecture
// counts. The last resort is plain: a single message of a user is continued as it
// stands, a longer conversation is written with "User:" and "Assistant:" before the
// turns.
func standard(o *Options) (string, error) {
	name := "plain"
	for _, s := range []struct{ marker, template, arch string }{
		{"<|im_start|>", "chatml", "qwen"},
		{"<|start_header_id|>", "llama3", ""}, // fine-tuned into ChatML as often as not
		{"<start_of_turn>", "gemma", "gemma"},
		{"<|end|>", "phi3", "phi3"},
		{"[INST]", "mistral", "mistral"},
	} {
		if o.Specials == nil || !o.Specials(s.marker) {
			continue
		}
		if s.arch != "" && strings.HasPrefix(o.Arch, s.arch) {
			name = s.template
			break
		}
		if name == "plain" {
			name = s.template
		}
	}
	text, err := templates.ReadFile("templates/" + name + ".jinja")
	if err != nil {
		return "", fmt.Errorf("the template %s: %w", name, err)
	}
	return string(text), nil
}
