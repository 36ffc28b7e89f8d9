package server

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/backend/embedded"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// Line is one line of what the server says of itself when it starts.
type Line struct{ Name, Text string }

// Describe says where the server is, what serves which models and how to add a better
// one. Detection of local model servers is still to come then, and says so itself.
func (s *Server) Describe() []Line {
	c := s.current()
	lines := []Line{
		{"endpoint", s.Endpoint() + `  (point AWS clients at it: eval "$(outcrop env` + flagsFor(c, s.Addr()) + `)")`},
		{"data", fmt.Sprintf("%s  (account %s; regions %s)", c.Data, c.Account, strings.Join(c.Regions, ", "))},
	}
	for _, id := range slices.Sorted(maps.Keys(c.Models)) { // local ones too
		if targets := c.Models[id].Targets; len(targets) > 0 {
			lines = append(lines, Line{"model", id + " ← " + strings.Join(targets, ", then ")})
		}
	}
	lines = append(lines, Line{"models", s.rest(c)}, Line{"embeddings", embeddings(c)})
	return append(lines, Hints(c)...)
}

// Endpoint returns the URL of the listener.
func (s *Server) Endpoint() string {
	scheme := "http://"
	if s.current().TLS != nil {
		scheme = "https://"
	}
	return scheme + s.Addr()
}

func (s *Server) rest(c config.Config) string {
	n := 0
	for _, m := range s.catalog.Models(c.DefaultRegion, catalog.Filter{}) {
		if m.Chat() {
			n++
		}
	}
	switch {
	case !c.StandIns:
		return fmt.Sprintf("%d chat models in %s; those without a target are denied (stand_ins: false)", n, c.DefaultRegion)
	case c.AutoDetect:
		return fmt.Sprintf("%d chat models in %s; those without a target ← an Ollama or llama.cpp server on this machine, else %s, as stand-in", n, c.DefaultRegion, embedded.ReaderModel)
	}
	return fmt.Sprintf("%d chat models in %s; those without a target ← %s, as stand-in", n, c.DefaultRegion, embedded.ReaderModel)
}

// embeddings says what answers for embedding models.
func embeddings(c config.Config) string {
	fetched := "fetched at its first use (pull: auto)"
	if c.Pull == "never" {
		fetched = "it has to be on this machine: outcrop pull " + embedded.EmbedModel
	}
	if !c.StandIns {
		return fmt.Sprintf("%s; %s", embedded.EmbedModel, fetched)
	}
	return fmt.Sprintf("models without a target ← %s, as stand-in; %s", embedded.EmbedModel, fetched)
}

// Hints name providers whose keys are at hand and that no line of configuration uses.
// They are never used by themselves: they cost money and leave the machine.
func Hints(c config.Config) []Line {
	var lines []Line
	used := func(kind, host string) bool {
		for _, b := range c.Backends {
			if b.Type == kind && (host == "" || strings.Contains(b.BaseURL, host)) {
				return true
			}
		}
		return false
	}
	if os.Getenv("ANTHROPIC_API_KEY") != "" && !used("anthropic", "") {
		lines = append(lines, Line{"better", `ANTHROPIC_API_KEY is set and not used; to use it: backends: {claude: {type: anthropic, api_key: "${ANTHROPIC_API_KEY}"}}`})
	}
	if os.Getenv("OPENAI_API_KEY") != "" && !used("openai", "api.openai.com") {
		lines = append(lines, Line{"better", `OPENAI_API_KEY is set and not used; to use it: backends: {openai: {type: openai, base_url: https://api.openai.com/v1, api_key: "${OPENAI_API_KEY}"}}`})
	}
	if len(c.Backends) == 0 && len(lines) == 0 {
		lines = append(lines, Line{"better", "outcrop pull a GGUF model and it runs inside this server as local.NAME; or name Ollama, vLLM, Anthropic or OpenAI under backends: in a configuration file; see outcrop.example.yaml"})
	}
	return lines
}

// flagsFor returns the flags that `outcrop env` needs to find this server.
func flagsFor(c config.Config, addr string) string {
	def := config.Default()
	var flags string
	if addr != def.Listen {
		flags += " --listen " + addr
	}
	if c.Data != def.Data {
		flags += " --data " + c.Data
	}
	return flags
}
