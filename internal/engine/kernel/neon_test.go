//go:build linux && !arm64

package kernel_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestNEON runs this package's tests for arm64 under qemu's user emulation. No arm64
// hardware has run these kernels.
func TestNEON(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles for another architecture")
	}
	qemu, err := exec.LookPath("qemu-aarch64")
	if err != nil {
		t.Skip("qemu-aarch64 isn't installed (Debian: qemu-user)")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to compile the tests with")
	}
	// Reading them tells the test cache that the result depends on them.
	files, err := filepath.Glob("*arm64*")
	if err != nil || len(files) == 0 {
		t.Fatalf("arm64 sources: %v, %v", files, err)
	}
	for _, f := range files {
		if _, err := os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(t.TempDir(), "kernel.test")
	build := exec.CommandContext(t.Context(), goTool, "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compiling from %s: %v\n%s", runtime.GOARCH, err, out)
	}
	// Long vectors and the pool's timing tell nothing more under emulation.
	run := exec.CommandContext(t.Context(), qemu, "-cpu", "max", binary, "-test.v", "-test.short", "-test.skip", "Pool")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestMultiplyQuantized/neon") {
		t.Errorf("the NEON kernels didn't run:\n%s", out)
	}
}
