// Package enginetest finds the models that the engine's tests use and the project
// does not carry.
package enginetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/pull"
)

// MiniLM returns the folder of all-MiniLM-L6-v2. It skips the test with a message
// when the model is not in the models folder.
func MiniLM(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(pull.DefaultDir(), "outcrop.embed-v1")
	if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); err != nil {
		tb.Skipf("no outcrop.embed-v1 in %s: fetch it with `outcrop pull outcrop.embed-v1`", pull.DefaultDir())
	}
	return dir
}
