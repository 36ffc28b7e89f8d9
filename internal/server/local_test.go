package server

import (
	"encoding/json"
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
	dir := filepath.Join(c.ModelsDir, "hf", "org", "Tiny")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := (enginetest.Tiny{}).Write(filepath.Join(dir, "tiny.gguf")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "tiny.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	about, err := json.Marshal(pull.Model{Name: "hf:org/Tiny", Source: "a test", Files: []pull.File{{Name: "tiny.gguf", Size: info.Size()}}})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "outcrop-model.json", string(about))
	c.Models = map[string]config.Model{"my.own": {Targets: []string{"embedded/x"}}}
	got := withLocal(c, log)
	tiny, ok := got.Models["local.tiny"]
	if !ok || !slices.Equal(tiny.Targets, []string{"embedded/hf:org/Tiny"}) || len(c.Models) != 1 {
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
