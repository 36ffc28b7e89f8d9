//go:build !race

package weights

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// memoryChild is the variable that makes this test's binary the process that is
// measured: it loads the model of the folder that it runs in.
const memoryChild = "OUTCROP_TEST_MEMORY_CHILD"

// measured is the model that it loads.
var measured = decoder{hidden: 1024, layers: 4, kv: 1024, inner: 4096, vocab: 64000}

// TestPeakMemory is left out under the race detector, whose notes about memory are as
// large as the memory. It loads a model in a process of its own, whose memory may never exceed
// 1.15 times the size of the file, while it packs, while it writes the cache and when
// it comes from there.
func TestPeakMemory(t *testing.T) {
	if os.Getenv(memoryChild) != "" {
		measure(t)
		return
	}
	t.Parallel()
	dir := t.TempDir()
	size := measured.create(t, filepath.Join(dir, "m.gguf"), kernel.Q8_0)
	for _, run := range []string{"packed", "from the cache"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPeakMemory$", "-test.v")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), memoryChild+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		_, text, _ := strings.Cut(string(out), "grew by ")
		grew, err := strconv.ParseInt(strings.Fields(text + " ?")[0], 10, 64)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s: a file of %d MB takes %d MB at most: %.3f", run, size>>20, grew>>20, float64(grew)/float64(size))
		if float64(grew) > 1.15*float64(size) || float64(grew) < 0.9*float64(size) {
			t.Errorf("%s: a file of %d MB takes %d MB at most", run, size>>20, grew>>20)
		}
	}
}

// measure loads a model and prints by how much the process grew.
func measure(t *testing.T) {
	t.Helper()
	before := resident(t, "VmRSS")
	s := open(t, "m.gguf", Options{CacheDir: "cache"})
	measured.take(t, s)
	s.Flush()
	fmt.Printf("grew by %d\n", resident(t, "VmHWM")-before)
	if err := errors.Join(s.Loaded(), s.Close()); err != nil {
		t.Error(err)
	}
}

// resident returns a line of /proc/self/status in bytes.
func resident(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), name+":")
	kb, err := strconv.ParseInt(strings.Fields(rest + " ?")[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
