package server

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
	"github.com/outcrop-ai/outcrop/internal/engine/pull"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

func TestLocalID(t *testing.T) {
	t.Parallel()
	f := func(name, want string) {
		t.Helper()
		if got := localID(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	f("smollm2-135m", "local.smollm2-135m")
	f("hf:HuggingFaceTB/SmolLM2-135M-Instruct", "local.smollm2-135m-instruct")
	f("hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:qwen2.5-0.5b-instruct-q4_k_m.gguf", "local.qwen2-5-0-5b-instruct-q4-k-m")
	f("ollama:llama3.2:1b", "local.llama3-2-1b")
	f("/srv/models/My Model.gguf", "local.my-model")
	f("hf:x/"+strings.Repeat("y", 100), "local."+strings.Repeat("y", 60))
}

// TestWithLocal serves a model that has been pulled, and leaves configured ones alone.
func TestWithLocal(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.ModelsDir = t.TempDir()
	log := slog.New(slog.DiscardHandler)
	if got := withLocal(c, log); len(got.Models) > 0 {
		t.Fatalf("an empty folder has %v", got.Models)
	}
	source := filepath.Join(t.TempDir(), "Tiny.gguf")
	if err := os.Rename(enginetest.Tiny{}.GGUF(t), source); err != nil {
		t.Fatal(err)
	}
	p, err := pull.New(pull.Config{Dir: c.ModelsDir, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Pull(context.Background(), source); err != nil {
		t.Fatal(err)
	}
	c.Models = map[string]config.Model{"my.own": {Targets: []string{"embedded/x"}}}
	got := withLocal(c, log)
	tiny, ok := got.Models["local.tiny"]
	if !ok || len(tiny.Targets) != 1 || !strings.HasPrefix(tiny.Targets[0], "embedded/") || len(c.Models) != 1 {
		t.Errorf("%+v", got.Models)
	}
	list, err := Serving(c, "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(list, func(m ServedModel) bool { return m.ID == "local.tiny" && m.Fidelity == "real" }) {
		t.Error("nothing serves local.tiny")
	}
}
