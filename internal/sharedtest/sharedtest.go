// Package sharedtest finds the data sets and protocol vectors that tests read and
// the project does not carry.
package sharedtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the folder of shared data: $OUTCROP_SHARED, else "../shared" beside
// the repository. It skips the test with a message when there is none.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("OUTCROP_SHARED")
	if dir == "" {
		dir = filepath.Join(root(tb), "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil { //nolint:gosec // where the tester says
		tb.Skipf("no shared data at %s: set OUTCROP_SHARED to run this test", dir)
	}
	return dir
}

// Path joins elem to Dir and skips when that file is absent.
func Path(tb testing.TB, elem ...string) string {
	tb.Helper()
	p := filepath.Join(append([]string{Dir(tb)}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		tb.Skipf("no %s in the shared data", filepath.Join(elem...))
	}
	return p
}

// root walks up from the test's folder to the one that holds go.mod.
func root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}
