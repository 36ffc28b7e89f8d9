package arch_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/engine/arch"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

// golden is what tools/goldens/decoder.py wrote.
type golden struct {
	Cases   []goldenCase `json:"cases"`
	Stories struct {
		Greedy []int32    `json:"greedy"`
		Logits packedRows `json:"logits"`
	} `json:"stories"`
}

// goldenCase is a model, and what transformers makes of a prompt with it.
type goldenCase struct {
	Name    string          `json:"name"`
	Weights string          `json:"weights"`
	Config  json.RawMessage `json:"config"` // of a folder
	Prompt  []int32         `json:"prompt"`
	Greedy  []int32         `json:"greedy"`
	Rows    []int           `json:"rows"` // steps of greedy that logits are of
	Logits  packedRows      `json:"logits"`
}

// packedRows are float32 in base64.
type packedRows []float32

func (p *packedRows) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	for ; len(raw) >= 4; raw = raw[4:] {
		*p = append(*p, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
	}
	return err
}

func readGolden(t testing.TB) *golden {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "decoder", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{}
	if err := json.Unmarshal(text, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// path returns the case's model: its GGUF file, or a folder made of its parts.
func (g *goldenCase) path(t testing.TB) string {
	t.Helper()
	file := filepath.Join("testdata", "decoder", g.Weights)
	if g.Config == nil {
		return file
	}
	dir := t.TempDir()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"config.json": g.Config, "model.safetensors": raw} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// quantized reports whether matrices are of a type whose products round activations to
// 8 bits, which the reference doesn't.
func (g *goldenCase) quantized() bool {
	return strings.Contains(g.Weights, "-q4_") || strings.Contains(g.Weights, "-q8_")
}

// tolerance is how far a logit may be off, in standard deviations of the logits; on
// average, a quarter is. With floats and a cache of floats it is rounding; an F16 cache
// keeps 11 bits; and rows of 32 elements don't average much of 8 bits' noise out. A wrong
// graph is off by deviations.
func (g *goldenCase) tolerance(cache arch.CacheType) float64 {
	switch {
	case g.quantized():
		return 0.25
	case cache == arch.CacheQ8_0:
		return 0.08
	case cache == arch.CacheF16:
		return 6e-3
	default:
		return exact
	}
}

// exact is the tolerance of a graph whose only rounding is that of float32.
const exact = 2e-5

// caches returns the types that the case is tested with.
func (g *goldenCase) caches() []arch.CacheType {
	if strings.Contains(g.Weights, "qwen3.") || strings.Contains(g.Weights, "q4_k") {
		return []arch.CacheType{arch.CacheF32, arch.CacheF16, arch.CacheQ8_0} // heads of 32
	}
	return []arch.CacheType{arch.CacheF32, arch.CacheF16}
}

// TestDecoders compares every architecture, variant of positions, file format and type
// with transformers, on each set of kernels.
func TestDecoders(t *testing.T) {
	t.Parallel()
	for _, g := range readGolden(t).Cases {
		for _, isa := range kernel.ISAs() {
			t.Run(g.Name+"/"+string(isa), func(t *testing.T) {
				t.Parallel()
				path := g.path(t)
				for _, cache := range g.caches() {
					d := openDecoder(t, path, isa, arch.DecoderOptions{Cache: cache})
					checkGolden(t, &g, d, g.tolerance(cache))
				}
				if g.quantized() {
					d := openWith(t, arch.LoadDequantized, path, isa, arch.DecoderOptions{Cache: arch.CacheF32})
					checkGolden(t, &g, d, exact)
				}
			})
		}
	}
}

func checkGolden(t *testing.T, g *goldenCase, d *arch.Decoder, tolerance float64) {
	t.Helper()
	ids := append(slices.Clone(g.Prompt), g.Greedy[:len(g.Greedy)-1]...)
	var m arch.DecoderMemory
	all, err := d.Forward(t.Context(), []arch.Span{{IDs: ids, Pages: newPages(d, len(ids)), Logits: len(g.Greedy)}}, &m)
	if err != nil {
		t.Fatal(err)
	}
	vocab, worst, squares := d.Vocab(), 0.0, 0.0
	for i, row := range g.Rows {
		want := g.Logits[i*vocab:][:vocab]
		spread := deviation(want)
		for k, w := range want {
			off := math.Abs(float64(all[row*vocab+k]-w)) / spread
			worst = max(worst, off)
			squares += off * off
			if !(off <= tolerance) {
				t.Fatalf("step %d, logit %d: got %v, want %v, %.2g deviations off", row, k, all[row*vocab+k], w, off)
			}
		}
	}
	average := math.Sqrt(squares / float64(len(g.Logits)))
	t.Logf("%.2g deviations off, at most %.2g, %.2g allowed", average, worst, tolerance)
	if average > tolerance/4 {
		t.Errorf("%.2g deviations off on average, %.2g allowed", average, tolerance/4)
	}
	for i, id := range g.Greedy {
		row := all[i*vocab:][:vocab]
		// Where rounding is coarser than the reference's, the likeliest of almost equals may
		// be another.
		if top := best(row); top != id && float64(row[top]-row[id]) > tolerance*deviation(row) {
			t.Fatalf("step %d: token %d is likelier than %d by %v", i, top, id, row[top]-row[id])
		}
	}
	if tolerance > exact {
		return
	}
	got, _ := greedy(t, d, g.Prompt, len(g.Greedy))
	if diff := cmp.Diff(g.Greedy, got); diff != "" {
		t.Errorf("greedy tokens, want (-) and got (+): %s", diff)
	}
}

// deviation returns the standard deviation of x.
func deviation(x []float32) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range x {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(len(x))
	return math.Sqrt(squares/n - sum/n*sum/n)
}

// TestStoriesLikeTheReference compares real weights with arithmetic in float64.
func TestStoriesLikeTheReference(t *testing.T) {
	t.Parallel()
	checkpoint := sharedtest.Path(t, "models", "stories260k", "checkpoint_legacy.bin")
	want := readGolden(t).Stories
	for _, isa := range kernel.ISAs() {
		d := openDecoder(t, checkpoint, isa, arch.DecoderOptions{Cache: arch.CacheF32})
		got, logits := greedy(t, d, []int32{1}, len(want.Greedy))
		if diff := cmp.Diff(want.Greedy, got); diff != "" {
			t.Errorf("%s: greedy tokens, want (-) and got (+): %s", isa, diff)
		}
		for i, w := range want.Logits {
			if off := math.Abs(float64(logits[i] - w)); !(off <= 2e-5*deviation(want.Logits)) {
				t.Errorf("%s: logit %d: got %v, want %v", isa, i, logits[i], w)
			}
		}
	}
}
