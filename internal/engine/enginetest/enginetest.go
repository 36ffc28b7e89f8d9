// Package enginetest finds the models that tests use and the project does not carry.
package enginetest

import (
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/pull"
)

// MiniLM returns the folder of all-MiniLM-L6-v2. It skips the test with a message when
// the model is not on this machine.
func MiniLM(tb testing.TB) string {
	tb.Helper()
	p, err := pull.New(pull.Config{Offline: true})
	if err != nil {
		tb.Fatal(err)
	}
	m, err := p.Find(pull.EmbedModel)
	if err != nil {
		tb.Skipf("no %s in %s: fetch it with `outcrop pull %s`", pull.EmbedModel, pull.DefaultDir(), pull.EmbedModel)
	}
	return m.Path
}

// Models returns the folder of models that has MiniLM, or skips the test as MiniLM does.
func Models(tb testing.TB) string {
	tb.Helper()
	MiniLM(tb)
	return pull.DefaultDir()
}
