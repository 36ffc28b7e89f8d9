package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFilesAreCurrent fails if the generator changed and "go generate" didn't run.
func TestFilesAreCurrent(t *testing.T) {
	t.Parallel()
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s isn't what the generator writes; run go generate in internal/engine/kernel", name)
		}
	}
}
