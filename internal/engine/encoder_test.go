package engine

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

func compute(t testing.TB, c kernel.Config) *kernel.Compute {
	t.Helper()
	k, err := kernel.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func open(t testing.TB, dir string, c *kernel.Compute) *Encoder {
	t.Helper()
	e, err := OpenEncoder(dir, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// vector is float32s as the golden files hold them.
type vector []float32

func (v *vector) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.DecodeString(string(text))
	for i := 0; i+4 <= len(raw); i += 4 {
		*v = append(*v, math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
	}
	return err
}

// farthest returns the largest difference of two vectors' elements, and their cosine.
func farthest(a, b []float32) (far, cosine float64) {
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		far = max(far, math.Abs(x-y))
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	return far, dot / math.Sqrt(aa*bb)
}

// everyISA runs f on the machine's best kernels and on the plain ones.
func everyISA(t *testing.T, f func(t *testing.T, c *kernel.Compute)) {
	t.Helper()
	for _, isa := range []kernel.ISA{"", kernel.ISAGo} {
		c := compute(t, kernel.Config{ISA: isa, Threads: 2})
		t.Run(string(c.ISA()), func(t *testing.T) { f(t, c) })
	}
}

func compareVectors(t *testing.T, e *Encoder, golden string) {
	t.Helper()
	var want []struct {
		Text   string `json:"text"`
		Vector vector `json:"vector"`
	}
	readJSON(t, golden, &want)
	texts := make([]string, len(want))
	for i, w := range want {
		texts[i] = w.Text
	}
	all, err := e.Embed(t.Context(), texts, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want {
		one, err := e.Embed(t.Context(), texts[i:i+1], EmbedOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if far, _ := farthest(one.Vectors[0], all.Vectors[i]); far != 0 {
			t.Errorf("%.40q: alone it has another vector than among others, %g away", w.Text, far)
		}
		if len(w.Vector) != e.Dimensions() {
			t.Fatalf("%d dimensions in the golden file", len(w.Vector))
		}
		far, cosine := farthest(all.Vectors[i], w.Vector)
		if far > 2e-5 || cosine < 0.999999 {
			t.Errorf("%.40q: %g away from the reference, cosine %v", w.Text, far, cosine)
		}
	}
}

func TestLikeTheReference(t *testing.T) {
	t.Parallel()
	everyISA(t, func(t *testing.T, c *kernel.Compute) {
		for _, name := range []string{"mean", "cls"} {
			dir := filepath.Join("testdata", name)
			compareVectors(t, open(t, dir, c), filepath.Join(dir, "golden.json"))
		}
	})
}

func TestMiniLMLikeTheReference(t *testing.T) {
	t.Parallel()
	dir := enginetest.MiniLM(t)
	everyISA(t, func(t *testing.T, c *kernel.Compute) {
		if testing.Short() && c.ISA() == kernel.ISAGo {
			t.Skip("half a minute under the race detector")
		}
		compareVectors(t, open(t, dir, c), filepath.Join("testdata", "minilm.golden.json"))
	})
}

func TestRerankerLikeTheReference(t *testing.T) {
	t.Parallel()
	everyISA(t, func(t *testing.T, c *kernel.Compute) {
		e := open(t, filepath.Join("testdata", "reranker"), c)
		var want []struct {
			Query    string  `json:"query"`
			Document string  `json:"document"`
			Score    float64 `json:"score"`
		}
		readJSON(t, "testdata/reranker/golden.json", &want)
		for _, w := range want {
			got, err := e.Score(t.Context(), w.Query, []string{w.Document, "another one"})
			if err != nil {
				t.Fatal(err)
			}
			if d := math.Abs(float64(got.Values[0]) - w.Score); d > 2e-5 || len(got.Values) != 2 {
				t.Errorf("%.40q, %.40q: %v, want %v", w.Query, w.Document, got.Values, w.Score)
			}
		}
		if _, err := e.Embed(t.Context(), []string{"x"}, EmbedOptions{}); err == nil || !e.Reranks() {
			t.Error("a reranker makes vectors")
		}
	})
}

// TestOptions covers what is not in the numbers.
func TestOptions(t *testing.T) {
	t.Parallel()
	e := open(t, "testdata/cls", compute(t, kernel.Config{}))
	ctx := t.Context()
	got, err := e.Embed(ctx, []string{"the end of the line", ""}, EmbedOptions{Normalize: true})
	if err != nil || got.Tokens != 8 || len(got.Vectors) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	var sum float64
	for _, x := range got.Vectors[0] {
		sum += float64(x) * float64(x)
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("length² %v, want 1", sum)
	}
	_, err = e.Embed(ctx, []string{"short", strings.Repeat("the ", 100)}, EmbedOptions{TextTokens: 99})
	var long *TooLongError
	if !errors.Is(err, ErrTooLong) || !errors.As(err, &long) || *long != (TooLongError{Text: 1, Tokens: 100, Limit: 99}) {
		t.Errorf("%v, want ErrTooLong", err)
	}
	if got, err := e.Embed(ctx, nil, EmbedOptions{}); err != nil || len(got.Vectors) != 0 {
		t.Errorf("no texts: %+v, %v", got, err)
	}
	if _, err := e.Score(ctx, "q", []string{"d"}); err == nil {
		t.Error("a model without a classifier scores pairs")
	}
	if e.MaxTokens() != 48 || open(t, "testdata/mean", compute(t, kernel.Config{})).MaxTokens() != 32 {
		t.Errorf("limits %d", e.MaxTokens())
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := e.Embed(over, []string{"x"}, EmbedOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// The turn was given back.
	if _, err := e.Embed(ctx, []string{"x"}, EmbedOptions{}); err != nil {
		t.Error(err)
	}
}

// TestConcurrent has many callers at once, each with texts of its own length.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	e := open(t, "testdata/mean", compute(t, kernel.Config{Threads: 2}))
	want, err := e.Embed(t.Context(), []string{"the man who sold the world"}, EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			texts := make([]string, 1, 40)
			texts[0] = "the man who sold the world"
			for len(texts) < cap(texts) {
				texts = append(texts, strings.Repeat("word ", (i+len(texts))%30))
			}
			got, err := e.Embed(t.Context(), texts, EmbedOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			if far, _ := farthest(got.Vectors[0], want.Vectors[0]); far != 0 {
				t.Errorf("beside others the vector is %g away", far)
			}
		})
	}
	wg.Wait()
}

// copyModel copies the folder of the model "mean".
func copyModel(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/mean")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBrokenFolders changes one thing of a good folder.
func TestBrokenFolders(t *testing.T) {
	t.Parallel()
	c := compute(t, kernel.Config{})
	f := func(file, old, with, want string) {
		t.Helper()
		dir := copyModel(t)
		path := filepath.Join(dir, file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s has no %q", file, old)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, with, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := OpenEncoder(dir, c)
		if err == nil {
			_ = e.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s with %q: %v, want %q", file, with, err, want)
		}
	}
	f("config.json", `"model_type": "bert"`, `"model_type": "llama"`, `"llama"`)
	f("config.json", `"hidden_size": 24`, `"hidden_size": 1000000000`, "hidden_size is 1000000000")
	f("config.json", `"hidden_size": 24`, `"hidden_size": 48`, "has the shape")
	f("config.json", `"hidden_size": 24`, `"hidden_size": 25`, "no multiple")
	f("config.json", `"num_hidden_layers": 2`, `"num_hidden_layers": 3`, "no encoder.layer.2")
	f("config.json", `"num_attention_heads": 3`, `"num_attention_heads": 0`, "num_attention_heads is 0")
	f("config.json", `"hidden_act": "gelu"`, `"hidden_act": "swish"`, `"swish"`)
	f("config.json", `"absolute"`, `"relative_key"`, "relative_key")
	f("config.json", `"vocab_size": 260`, `"vocab_size": 200`, "260 tokens, the model 200")
	f("config.json", `{`, ``, "config.json")
	f("modules.json", "models.Normalize", "models.Dense", "Dense")
	f("modules.json", `"1_Pooling"`, `"../1_Pooling"`, "leaves the folder")
	f("modules.json", `"1_Pooling"`, `"2_Pooling"`, "no such file")
	f("1_Pooling/config.json", `"pooling_mode_mean_tokens": true`, `"pooling_mode_mean_tokens": false`, "pooling")
	f("sentence_bert_config.json", "32", "-1", "max_seq_length")
	f("tokenizer.json", "WordPiece", "Unigram", "Unigram")
	f("model.safetensors", `"F32"`, `"I32"`, "I32")
	if _, err := OpenEncoder(t.TempDir(), c); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestShortFiles cuts each file of a model at many places: an error, or a model that
// works, and never a panic.
func TestShortFiles(t *testing.T) {
	t.Parallel()
	c := compute(t, kernel.Config{})
	rng := rand.New(rand.NewPCG(1, 2))
	for _, file := range []string{"config.json", "tokenizer.json", "modules.json", "model.safetensors"} {
		whole, err := os.ReadFile(filepath.Join("testdata/mean", file))
		if err != nil {
			t.Fatal(err)
		}
		dir := copyModel(t)
		for range 40 {
			if err := os.WriteFile(filepath.Join(dir, file), whole[:rng.IntN(len(whole))], 0o600); err != nil {
				t.Fatal(err)
			}
			if e, err := OpenEncoder(dir, c); err == nil {
				t.Errorf("%s cut short is accepted", file)
				_ = e.Close()
			}
		}
	}
}

// TestShrinkingFile cuts the weights while the model is in use.
func TestShrinkingFile(t *testing.T) {
	t.Parallel()
	dir := copyModel(t)
	e := open(t, dir, compute(t, kernel.Config{}))
	if err := os.Truncate(filepath.Join(dir, "model.safetensors"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Embed(t.Context(), []string{"the end"}, EmbedOptions{}); err == nil {
		t.Error("a model without its file answers")
	}
}

func FuzzConfig(f *testing.F) {
	text, err := os.ReadFile("testdata/mean/config.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, []byte(`[{"path":"","type":"sentence_transformers.models.Transformer"}]`))
	dir := copyModel(f)
	c := compute(f, kernel.Config{Threads: 1})
	f.Fuzz(func(t *testing.T, config, modules []byte) {
		for name, text := range map[string][]byte{"config.json": config, "modules.json": modules} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		e, err := OpenEncoder(dir, c)
		if err != nil {
			return
		}
		_, _ = e.Embed(t.Context(), []string{"any text"}, EmbedOptions{}) // must not panic
		_ = e.Close()
	})
}
