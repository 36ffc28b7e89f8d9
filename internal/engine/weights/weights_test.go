package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/mapping"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func compute(t testing.TB) *kernel.Compute {
	t.Helper()
	c, err := kernel.New(kernel.Config{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func open(t testing.TB, path string, o Options) *Store {
	t.Helper()
	if o.Compute == nil {
		o.Compute = compute(t)
	}
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// random returns n bytes that are as good as floats of a model.
func random(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32()) & 0x3f // no NaN in any float type
	}
	return b
}

// types are all that matrices can have.
var types = []kernel.Type{kernel.F32, kernel.F16, kernel.BF16, kernel.Q8_0, kernel.Q4_0, kernel.Q5_0, kernel.Q4_K, kernel.Q5_K, kernel.Q6_K}

const rows, cols = 300, 1024 // of F32: more than one piece

// model writes a GGUF file with a matrix of every type and returns the matrices' bytes.
func model(t testing.TB, path string) map[string][]byte {
	t.Helper()
	var w gguf.Writer
	w.PutString("general.architecture", "llama")
	raws := map[string][]byte{}
	for i, typ := range types {
		size, _ := typ.RowSize(cols)
		name := "blk.0." + typ.String() + ".weight"
		raws[name] = random(rows*size, uint64(i))
		w.PutTensor(name, typ, []int{rows, cols}, raws[name])
	}
	w.PutFloats("norm.weight", []int{4}, []float32{1, 2, 3, 4})
	w.PutFloats("three.weight", []int{1, 2, 3}, []float32{1, 2, 3, 4, 5, 6})
	w.PutTensor("odd.weight", 16, []int{1, 256}, make([]byte, 66))
	w.PutTensor("narrow.weight", kernel.F16, []int{4, 31}, random(4*31*2, 99))
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return raws
}

// TestMatrix packs matrices of every type, as package kernel does it at once.
func TestMatrix(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.gguf")
	raws := model(t, path)
	c := compute(t)
	for _, q := range []Quantize{AsStored, ToQ8_0, ToQ4_0} {
		s := open(t, path, Options{Compute: c, Quantize: q})
		total := int64(0)
		for i, typ := range types {
			name := "blk.0." + typ.String() + ".weight"
			got, err := s.Matrix(name, rows, cols)
			if err != nil {
				t.Fatal(err)
			}
			raw, want := raws[name], typ
			if q != AsStored && i < 3 {
				want = []kernel.Type{kernel.Q8_0, kernel.Q4_0}[q-ToQ8_0]
				raw = requantized(t, typ, want, raw)
			}
			m, err := c.Pack(want, rows, cols, raw)
			if err != nil {
				t.Fatal(err)
			}
			if got.Type() != want || got.Rows() != rows || got.Cols() != cols || !bytes.Equal(got.Packed(), m.Packed()) {
				t.Errorf("%s with Quantize %d: a %s matrix of %d×%d, want another", name, q, got.Type(), got.Rows(), got.Cols())
			}
			if again, err := s.Matrix(name, rows, cols); again != got || err != nil {
				t.Errorf("%s is packed twice, %v", name, err)
			}
			total += int64(len(m.Packed()))
		}
		if m, err := s.Matrix("narrow.weight", 4, 31); err != nil || m.Type() != kernel.F16 {
			t.Errorf("rows of 31 with Quantize %d: %v, %v", q, m, err)
		} else {
			total += int64(len(m.Packed()))
		}
		if s.Size() != total {
			t.Errorf("size %d, want %d", s.Size(), total)
		}
		if err := s.Loaded(); err != nil {
			t.Error(err)
		}
	}
}

func requantized(t *testing.T, from, to kernel.Type, raw []byte) []byte {
	t.Helper()
	x := make([]float32, rows*cols)
	size, _ := to.RowSize(len(x))
	out := make([]byte, size)
	if err := errors.Join(kernel.Dequantize(from, x, raw), kernel.Quantize(to, out, x)); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVectorAndTable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.gguf")
	raws := model(t, path)
	s := open(t, path, Options{Quantize: ToQ4_0})
	if got, err := s.Vector("norm.weight", 4); err != nil || !slices.Equal(got, []float32{1, 2, 3, 4}) {
		t.Errorf("vector %v, %v", got, err)
	}
	if got, err := s.Table("three.weight", 2, 3); err != nil || got.rows != 2 { // a leading 1 doesn't count
		t.Errorf("table %v, %v", got, err)
	}
	for _, typ := range types {
		name := "blk.0." + typ.String() + ".weight"
		table, err := s.Table(name, rows, cols)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float32, rows*cols)
		if err := kernel.Dequantize(typ, want, raws[name]); err != nil {
			t.Fatal(err)
		}
		got := make([]float32, cols)
		for _, i := range []int{0, 1, rows / 2, rows - 1} {
			if err := table.Row(got, i); err != nil || !slices.Equal(got, want[i*cols:][:cols]) {
				t.Errorf("%s: row %d is another, %v", name, i, err)
			}
		}
		for _, i := range []int{-1, rows, math.MaxInt} {
			if err := table.Row(got, i); err == nil {
				t.Errorf("%s: row %d of %d is there", name, i, rows)
			}
		}
		if err := table.Row(got[1:], 0); err == nil {
			t.Errorf("%s: a row of %d as %d floats", name, cols, cols-1)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.gguf")
	model(t, path)
	s := open(t, path, Options{})
	f := func(want string, take func() error) {
		t.Helper()
		if err := take(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	matrix := func(name string, rows, cols int) func() error {
		return func() error { _, err := s.Matrix(name, rows, cols); return err }
	}
	f("no tensor blk.9.x", matrix("blk.9.x", 1, 1))
	f("has the shape [300 1024], not [1024 300]", matrix("blk.0.Q8_0.weight", cols, rows))
	f("has the shape [4], not [4 1]", matrix("norm.weight", 4, 1))
	f("odd.weight has the type IQ2_XXS", matrix("odd.weight", 1, 256))
	f("odd.weight has the type IQ2_XXS", func() error { _, err := s.Table("odd.weight", 1, 256); return err })
	f("odd.weight has the type IQ2_XXS", func() error { _, err := s.Vector("odd.weight", 256); return err })
	f("has the shape [4], not [5]", func() error { _, err := s.Vector("norm.weight", 5); return err })
	if s.Has("blk.9.x") || !s.Has("odd.weight") || s.GGUF() == nil || s.Dir() != "" || s.Checkpoint() != nil {
		t.Error("the model is not what it is")
	}
}

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), compute(t)
	put := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(name, want string) {
		t.Helper()
		if _, err := Open(filepath.Join(dir, name), Options{Compute: c}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	put("short.bin", []byte("abc"))
	put("zeros.bin", make([]byte, 1000))
	put("text.txt", bytes.Repeat([]byte("what is this? "), 100))
	put("bad.gguf", append([]byte("GGUF"), make([]byte, 100)...))
	put("model.safetensors", make([]byte, 100))
	put("none/readme.md", nil)
	put("two/a.gguf", nil)
	put("two/b.gguf", nil)
	put("broken/model.safetensors", make([]byte, 4))
	f("absent", "no such file")
	f("short.bin", "EOF")
	f("zeros.bin", "neither a GGUF file nor a llama2.c checkpoint")
	f("text.txt", "neither a GGUF file nor a llama2.c checkpoint")
	f("bad.gguf", "GGUF")
	f("model.safetensors", "open that")
	f("none", "has neither model.safetensors nor a .gguf file")
	f("two", "several models, name one: a.gguf, b.gguf")
	f("broken", "too short")
	put("one/m-00001-of-00002.gguf", []byte("GGUF"))
	put("one/m-00002-of-00002.gguf", []byte("GGUF"))
	f("one", "m-00001-of-00002.gguf: not a GGUF file")
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "no Compute") {
		t.Errorf("without a Compute: %v", err)
	}
	if _, err := Open(dir, Options{Compute: c, Quantize: 9}); err == nil {
		t.Error("Quantize 9 is accepted")
	}
}

// TestFolder opens a folder with a GGUF model, and one with a Hugging Face model.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	model(t, filepath.Join(dir, "anything.gguf"))
	if s := open(t, dir, Options{}); s.GGUF() == nil || !s.Has("norm.weight") {
		t.Error("a folder with a GGUF file is no GGUF model")
	}
	dir = t.TempDir()
	writeFolder(t, dir, map[string][]int{
		"model.embed_tokens.weight": {4, 2}, "model.norm.weight": {2}, "lm_head.weight": {4, 2},
		"model.layers.0.input_layernorm.weight": {2}, "model.layers.11.mlp.down_proj.weight": {2, 2},
		"model.layers.0.self_attn.q_proj.bias": {2}, "model.layers.0.self_attn.rotary_emb.inv_freq": {2},
		"layers.1.self_attn.k_norm.weight": {2}, "model.vision.weight": {1},
	})
	s := open(t, dir, Options{})
	for _, name := range []string{
		"token_embd.weight", "output_norm.weight", "output.weight", "blk.0.attn_norm.weight",
		"blk.11.ffn_down.weight", "blk.0.attn_q.bias", "blk.1.attn_k_norm.weight",
	} {
		if !s.Has(name) {
			t.Errorf("%s is missing", name)
		}
	}
	if s.GGUF() != nil || s.Dir() != dir || len(s.source.(*folderSource).names) != 7 {
		t.Errorf("names %v", s.source.(*folderSource).names)
	}
	if m, err := s.Matrix("output.weight", 4, 2); err != nil || m.Type() != kernel.BF16 {
		t.Errorf("%v, %v", m, err)
	}
	if x, err := s.Vector("output_norm.weight", 2); err != nil || !slices.Equal(x, []float32{1, 1}) {
		t.Errorf("%v, %v", x, err)
	}
	if _, err := s.Matrix("model.vision.weight", 1, 1); err == nil {
		t.Error("a tensor goes by the name of its file")
	}
}

// writeFolder writes a folder of BF16 ones.
func writeFolder(t *testing.T, dir string, shapes map[string][]int) {
	t.Helper()
	header, at := map[string]any{}, 0
	for name, shape := range shapes {
		n := 2
		for _, d := range shape {
			n *= d
		}
		header[name] = map[string]any{"dtype": "BF16", "shape": shape, "data_offsets": []int{at, at + n}}
		at += n
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	file = append(file, bytes.Repeat([]byte{0x80, 0x3f}, at/2)...)
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), file, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"model.layers.0.self_attn.q_proj.weight":          "blk.0.attn_q.weight",
		"model.layers.27.self_attn.k_proj.bias":           "blk.27.attn_k.bias",
		"model.layers.3.self_attn.v_proj.weight":          "blk.3.attn_v.weight",
		"model.layers.3.self_attn.o_proj.weight":          "blk.3.attn_output.weight",
		"model.layers.3.self_attn.q_norm.weight":          "blk.3.attn_q_norm.weight",
		"model.layers.3.post_attention_layernorm.weight":  "blk.3.ffn_norm.weight",
		"model.layers.3.mlp.gate_proj.weight":             "blk.3.ffn_gate.weight",
		"model.layers.3.mlp.up_proj.weight":               "blk.3.ffn_up.weight",
		"model.layers.03.mlp.up_proj.weight":              "",
		"model.layers.-1.mlp.up_proj.weight":              "",
		"model.layers.3.mlp.up_proj.weight_scale":         "",
		"model.layers.3.mlp.experts.0.up_proj.weight":     "",
		"model.layers.3.weight":                           "",
		"model.layers..mlp.up_proj.weight":                "",
		"vision.model.layers.3.mlp.up_proj.weight":        "",
		"model.layers.3.self_attn.q_proj.qweight":         "",
		"model.layers.99999999999999999999.mlp.up_proj.x": "",
	} {
		if got := ggufName(name); got != want {
			t.Errorf("ggufName(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestStories opens real weights in the format of llama2.c.
func TestStories(t *testing.T) {
	t.Parallel()
	path := sharedtest.Path(t, "models", "stories260k", "checkpoint_legacy.bin")
	s := open(t, path, Options{})
	want := Llama2C{Dim: 64, Hidden: 172, Layers: 5, Heads: 8, KVHeads: 4, Vocab: 512, SeqLen: 512, Shared: true}
	if got := s.Checkpoint(); got == nil || *got != want {
		t.Fatalf("header %+v, want %+v", got, want)
	}
	if s.Has("output.weight") || s.GGUF() != nil || s.Dir() != "" {
		t.Error("it has an output matrix, or is something else")
	}
	for name, shape := range map[string][2]int{
		"token_embd.weight": {512, 64}, "blk.4.attn_q.weight": {64, 64}, "blk.0.attn_k.weight": {32, 64}, "blk.4.ffn_down.weight": {64, 172},
		"blk.4.ffn_up.weight": {172, 64},
	} {
		if _, err := s.Matrix(name, shape[0], shape[1]); err != nil {
			t.Error(err)
		}
	}
	// Norms of a trained model are near 1 and never negative; anything else that the
	// file holds is around 0.
	for _, name := range []string{"blk.0.attn_norm.weight", "blk.4.ffn_norm.weight", "output_norm.weight"} {
		x, err := s.Vector(name, 64)
		if err != nil || slices.Min(x) < 0.1 || slices.Max(x) > 20 {
			t.Errorf("%s from %v to %v, %v", name, slices.Min(x), slices.Max(x), err)
		}
	}
}

// checkpoint is a llama2.c file.
func checkpoint(h [7]int32, floats int) []byte {
	b := make([]byte, 0, 28+4*floats)
	for _, v := range h {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	for i := range floats {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i)))
	}
	return b
}

func TestLlama2C(t *testing.T) {
	t.Parallel()
	f := func(h [7]int32, floats int) (*Store, error) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "m.bin")
		if err := os.WriteFile(path, checkpoint(h, floats), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, Options{Compute: compute(t)})
		if err == nil {
			t.Cleanup(func() { _ = s.Close() }) // of a test
		}
		return s, err
	}
	// dim 8, hidden 6, 2 layers, 2 heads, 1 of keys, 3 words, 5 positions
	const body = 3*8 + 2*(8+64+32+32+64+8+48+48+48) + 8 + 5*4
	h := [7]int32{8, 6, 2, 2, 1, 3, 5}
	s, err := f(h, body)
	if err != nil {
		t.Fatal(err)
	}
	table, err := s.Table("token_embd.weight", 3, 8)
	row := make([]float32, 8)
	if err := errors.Join(err, table.Row(row, 2)); err != nil || row[7] != 23 {
		t.Errorf("last embedding %v, %v", row, err)
	}
	if x, err := s.Vector("blk.1.ffn_norm.weight", 8); err != nil || x[0] != 24+2*(8+64+32+32+64)+8 {
		t.Errorf("%v, %v", x, err)
	}
	if x, err := s.Vector("output_norm.weight", 8); err != nil || x[7] != body-5*4-1 {
		t.Errorf("%v, %v", x, err)
	}
	h[5] = -3 // untied
	if s, err = f(h, body+3*8); err != nil {
		t.Fatal(err)
	}
	if table, err = s.Table("output.weight", 3, 8); err != nil || s.Checkpoint().Shared || s.Checkpoint().Vocab != 3 {
		t.Fatalf("%+v, %v", s.Checkpoint(), err)
	}
	if err := table.Row(row, 2); err != nil || row[7] != body+23 {
		t.Errorf("last row of the output %v, %v", row, err)
	}
	for _, bad := range [][7]int32{
		{8, 6, 2, 2, 1, 3, 6},
		{8, 6, 2, 3, 1, -3, 5},
		{8, 6, 0, 2, 1, -3, 5},
		{8, 6, 2, 2, 0, -3, 5},
		{-8, 6, 2, 2, 1, -3, 5},
		{8, 6, 2, 2, 1, math.MinInt32, 5},
		{1 << 20, 1 << 20, 1 << 10, 1, 1, 1 << 20, 1 << 20},
	} {
		if _, err := f(bad, body+3*8); err == nil {
			t.Errorf("header %v is accepted", bad)
		}
	}
}

func FuzzLlama2C(f *testing.F) {
	f.Add(checkpoint([7]int32{8, 6, 2, 2, 1, 3, 5}, 3*8+2*(8+64+32+32+64+8+48+48+48)+8+5*4))
	f.Add(checkpoint([7]int32{1, 1, 1, 1, 1, -1, 1}, 1+1+4+1+3+1+1+1))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, tensors, err := parseLlama2C(data)
		if err != nil {
			return
		}
		total := llama2cHeader
		for name, x := range tensors {
			total += len(x.raw)
			n := 4
			for _, d := range x.shape {
				n *= d
			}
			if n != len(x.raw) {
				t.Errorf("%s of %v has %d bytes", name, x.shape, len(x.raw))
			}
		}
		if total > len(data) || len(tensors) != 9*h.Layers+2 && len(tensors) != 9*h.Layers+3 {
			t.Errorf("%d tensors of %d bytes in a file of %d: %+v", len(tensors), total, len(data), h)
		}
	})
}

// TestShrunk cuts a model short before it is read.
func TestShrunk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.gguf")
	model(t, path)
	s := open(t, path, Options{})
	table, err := s.Table("blk.0.Q8_0.weight", rows, cols)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	_, matrix := s.Matrix("blk.0.Q6_K.weight", rows, cols)
	_, vector := s.Vector("norm.weight", 4)
	for what, err := range map[string]error{"matrix": matrix, "vector": vector, "row": table.Row(make([]float32, cols), 9)} {
		if !errors.Is(err, mapping.ErrShrunk) {
			t.Errorf("%s of a file that shrank: %v", what, err)
		}
	}
}
