package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/pull"
)

func TestPull(t *testing.T) {
	t.Parallel()
	dir, from := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"config.json": "{}", "model.safetensors": strings.Repeat("weights ", 300_000)} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	here := []string{"pull", "--offline", "--data", t.TempDir(), "--models", dir}
	with := func(args ...string) []string { return slices.Concat(here, args) }
	if got := ok(t, with()...); !strings.Contains(got, "No models") {
		t.Errorf("an empty folder: %s", got)
	}
	if got := ok(t, with(from)...); !strings.Contains(got, "used from there") || !strings.Contains(got, "2 MB") {
		t.Errorf("a path: %s", got)
	}
	mine := filepath.Join(t.TempDir(), "mine.zip")
	if err := os.WriteFile(mine, zipped(t, "config.json", "{}", "model.safetensors", "weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(t, with(mine)...)
	if got := ok(t, with()...); !strings.Contains(got, mine) {
		t.Errorf("the list: %s", got)
	}
	var list []pull.Model
	if err := json.Unmarshal([]byte(ok(t, with("--json")...)), &list); err != nil || len(list) != 1 || len(list[0].Files) != 2 {
		t.Errorf("as JSON: %+v, %v", list, err)
	}
	fails(t, 1, "offline", with(pull.EmbedModel)...)
	fails(t, 1, pull.EmbedModel, with("nosuch")...)
	fails(t, 1, "no Hugging Face repository", with("hf:nosuch")...)
	fails(t, 1, "package index", with("--index", "nowhere", pull.EmbedModel)...)
}

// zipped is an archive of files: name, text, name, text.
func zipped(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err == nil {
			_, err = io.WriteString(f, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestMeter writes a line for each tenth where nobody looks at a terminal.
func TestMeter(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	m := newMeter(&b)
	for done := int64(0); done <= 10<<20; done += 1 << 18 {
		m.show(pull.Progress{File: "model.safetensors", Done: done, Total: 10 << 20})
	}
	m.show(pull.Progress{File: "config.json", Done: 10, Total: 10})
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 12 || !strings.HasPrefix(lines[5], " 50%  model.safetensors") || !strings.HasPrefix(lines[11], "100%  config.json") {
		t.Errorf("%d lines:\n%s", len(lines), b.String())
	}
}
