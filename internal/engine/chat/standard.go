package chat

import (
	"embed"
	"fmt"
)

// templates are those of formats in wide use, for models that bring none.
//
//go:embed templates/*.jinja
var templates embed.FS

// standard returns the template for a model that brings none, told by the markers in
// its vocabulary. The last resort is plain: a single message of a user is continued as
// it stands, a longer conversation is written with "User:" and "Assistant:" before the
// turns.
func standard(o *Options) (string, error) {
	name := "plain"
	for _, s := range []struct{ marker, template string }{
		{"<|im_start|>", "chatml"},
		{"<|start_header_id|>", "llama3"},
		{"<start_of_turn>", "gemma"},
		{"<|end|>", "phi3"},
		{"[INST]", "mistral"},
	} {
		if o.Specials != nil && o.Specials(s.marker) {
			name = s.template
			break
		}
	}
	text, err := templates.ReadFile("templates/" + name + ".jinja")
	if err != nil {
		return "", fmt.Errorf("the template %s: %w", name, err)
	}
	return string(text), nil
}
