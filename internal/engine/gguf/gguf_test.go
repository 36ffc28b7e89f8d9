package gguf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// golden is what tools/goldens/gguf_file.py says is in its files.
type golden struct {
	Values struct {
		Uint8, Int8, Uint16, Int16, Uint32, Int32, Uint64, Int64 int64

		Float32, Float64 float64
		Bool             bool
		String           string
		Strings          []string
		Ints             []int64
		Bytes            []int64
		Longs            []int64
		Floats           []float32
	} `json:"values"`
	Tensors map[string]struct {
		Type  string    `json:"type"`
		Shape []int     `json:"shape"`
		First []float64 `json:"first"`
		Sum   float64   `json:"sum"`
	} `json:"tensors"`
}

// TestGolden reads what the reference implementation wrote, whole and in shards.
func TestGolden(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want golden
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"whole.gguf", "split-00001-of-00002.gguf", "split-00002-of-00002.gguf"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := errors.Join(f.Close(), f.Close()); err != nil {
					t.Error(err)
				}
			}()
			checkValues(t, f, &want)
			checkTensors(t, f, &want)
		})
	}
}

func checkValues(t *testing.T, f *File, want *golden) {
	t.Helper()
	v := want.Values
	for key, want := range map[string]int64{
		"uint8": v.Uint8, "int8": v.Int8, "uint16": v.Uint16, "int16": v.Int16,
		"uint32": v.Uint32, "int32": v.Int32, "uint64": v.Uint64, "int64": v.Int64,
	} {
		if got, ok := f.Int("test." + key); got != want || !ok {
			t.Errorf("%s = %d, %t, want %d", key, got, ok, want)
		}
		if got, ok := f.Float("test." + key); got != float64(want) || !ok {
			t.Errorf("%s = %v, %t as a float, want %d", key, got, ok, want)
		}
	}
	f32, _ := f.Float("test.float32")
	f64, _ := f.Float("test.float64")
	boolean, _ := f.Bool("test.bool")
	text, _ := f.String("test.string")
	list, _ := f.Strings("test.strings")
	ints, _ := f.Ints("test.ints")
	octets, _ := f.Ints("test.bytes")
	longs, _ := f.Ints("test.longs")
	floats, _ := f.Floats("test.floats")
	got := v
	got.Float32, got.Float64, got.Bool, got.String, got.Strings = f32, f64, boolean, text, list
	got.Ints, got.Bytes, got.Longs, got.Floats = ints, octets, longs, floats
	if d := cmp.Diff(got, v); d != "" {
		t.Errorf("values (-got +want):\n%s", d)
	}
	asFloats, _ := f.Floats("test.bytes")
	if !slices.Equal(asFloats, []float32{0, 127, 255}) {
		t.Errorf("integers as floats: %v", asFloats)
	}
	// What has another type is not there.
	_, a := f.Int("test.bool")
	_, b := f.Int("test.float32")
	_, c := f.Strings("test.string")
	_, d := f.Ints("test.bools")
	_, e := f.Ints("test.floats")
	_, g := f.String("test.strings")
	_, h := f.Bool("test.uint8")
	_, i := f.Int("absent")
	_, j := f.Float("test.string")
	_, k := f.Floats("test.strings")
	_, l := f.Bool("absent")
	_, m := f.String("absent")
	if a || b || c || d || e || g || h || i || j || k || l || m {
		t.Error("a value is there as what it is not")
	}
	if keys := f.Keys(); !slices.Contains(keys, "general.architecture") || !slices.IsSorted(keys) {
		t.Errorf("keys %v", keys)
	}
}

func checkTensors(t *testing.T, f *File, want *golden) {
	t.Helper()
	if len(f.Names()) != len(want.Tensors) || f.Tensor("absent") != nil {
		t.Errorf("tensors %v", f.Names())
	}
	for name, want := range want.Tensors {
		x := f.Tensor(name)
		if x == nil || x.Name != name || x.Type.String() != want.Type || !slices.Equal(x.Shape, want.Shape) {
			t.Errorf("%s is %+v, want %+v", name, x, want)
			continue
		}
		n := x.Shape[0]
		if len(x.Shape) == 2 {
			n *= x.Shape[1]
		}
		values, sum := make([]float32, n), 0.0
		if err := x.View(func(raw []byte) error { return kernel.Dequantize(x.Type, values, raw) }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, v := range values {
			sum += float64(v) * float64(i+1)
		}
		for i, v := range want.First {
			if float64(values[i]) != v {
				t.Errorf("%s: element %d is %v, want %v", name, i, values[i], v)
			}
		}
		if math.Abs(sum-want.Sum) > 1e-6*max(1, math.Abs(want.Sum)) {
			t.Errorf("%s: the sum is %v, want %v", name, sum, want.Sum)
		}
	}
}

// small is a file with a bit of everything.
func small(t testing.TB) []byte {
	t.Helper()
	var w Writer
	w.PutString("general.architecture", "test")
	w.PutStrings("tokens", []string{"a", "", "bc"})
	w.PutInt32s("ints", []int32{1, -2})
	w.PutFloat32s("floats", []float32{1.5})
	w.PutBytes("bytes", []byte{1, 2, 3})
	w.PutUint32("u32", 7)
	w.PutInt32("i32", -7)
	w.PutUint64("u64", 1<<63)
	w.PutFloat32("f32", 2.5)
	w.PutBool("yes", true)
	w.PutBool("no", false)
	w.PutFloats("norm", []int{3}, []float32{1, 2, 3})
	w.PutTensor("q", kernel.Q8_0, []int{2, 32}, make([]byte, 68))
	return bytesOf(t, &w)
}

func bytesOf(t testing.TB, w *Writer) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := w.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWriter(t *testing.T) {
	t.Parallel()
	for version := byte(2); version <= 3; version++ { // they differ in nothing that is used here
		data := small(t)
		data[4] = version
		f, err := Open(write(t, "m.bin", data))
		if err != nil {
			t.Fatal(err)
		}
		u64, fits := f.Int("u64")
		if fits {
			t.Errorf("2⁶³ as an int64: %d", u64)
		}
		if u, ok := f.Float("u64"); u != 1<<63 || !ok {
			t.Errorf("2⁶³ as a float: %v", u)
		}
		i32, _ := f.Int("i32")
		tokens, _ := f.Strings("tokens")
		yes, hasYes := f.Bool("yes")
		no, hasNo := f.Bool("no")
		if i32 != -7 || !slices.Equal(tokens, []string{"a", "", "bc"}) || !yes || !hasYes || no || !hasNo {
			t.Errorf("values %d %q %t %t", i32, tokens, yes, no)
		}
		if err := f.Tensor("norm").View(func(raw []byte) error {
			if len(raw) != 12 || math.Float32frombits(binary.LittleEndian.Uint32(raw[8:])) != 3 {
				t.Errorf("norm is % x", raw)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	f := func(want string, fill func(w *Writer)) {
		t.Helper()
		var w Writer
		fill(&w)
		if _, err := w.WriteTo(io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f("there twice", func(w *Writer) { w.PutBool("a", true); w.PutString("a", "") })
	f("there twice", func(w *Writer) { w.PutFloats("a", []int{1}, []float32{1}); w.PutFloats("a", []int{1}, []float32{1}) })
	f("has 128 bytes, not 4", func(w *Writer) { w.PutFloats("a", []int{4, 8}, []float32{1}) })
	f("shape []", func(w *Writer) { w.PutFloats("a", nil, nil) })
	f("blocks of 32", func(w *Writer) { w.PutTensor("a", kernel.Q8_0, []int{8}, nil) })
	f("a name of 0 bytes", func(w *Writer) { w.PutBool("", true) })
	f("0 bytes were written of 4", func(w *Writer) {
		w.StreamTensor("a", kernel.F32, []int{1}, func(io.Writer) error { return nil })
	})
	f("full", func(w *Writer) {
		w.StreamTensor("a", kernel.F32, []int{1}, func(io.Writer) error { return errors.New("full") })
	})
}

// TestCut opens a file that ends at any byte: an error, never anything worse.
func TestCut(t *testing.T) {
	t.Parallel()
	data := small(t)
	const padding = 28 // after the last tensor's 68 bytes
	for n := range data {
		h, err := parse(data[:n])
		if err == nil && n < len(data)-padding {
			t.Errorf("%d bytes of %d: %v", n, len(data), h.tensors)
		}
	}
	if _, err := parse(data); err != nil {
		t.Error(err)
	}
}

// raw makes a header of version 3.
func raw(tensors, keys uint64, rest ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(magic), 3)
	b = binary.LittleEndian.AppendUint64(b, tensors)
	b = binary.LittleEndian.AppendUint64(b, keys)
	return append(b, bytes.Join(rest, nil)...)
}

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// key is a key with its value.
func key(name string, k kind, value ...[]byte) []byte {
	return append(append(appendString(nil, name), u32(uint32(k))...), bytes.Join(value, nil)...)
}

// tensor describes a tensor.
func tensor(name string, typ kernel.Type, offset uint64, dims ...uint64) []byte {
	b := append(appendString(nil, name), u32(uint32(len(dims)))...)
	for _, d := range dims {
		b = append(b, u64(d)...)
	}
	return append(append(b, u32(uint32(typ))...), u64(offset)...)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	f := func(name string, data []byte, want string) {
		t.Helper()
		_, err := parse(data)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	zeros := make([]byte, 256)
	f("nothing", nil, "not a GGUF file")
	f("another format", append([]byte("PK\x03\x04"), zeros...), "not a GGUF file")
	old := raw(0, 0)
	old[4] = 1
	f("version 1", old, "version 1 of GGUF")
	f("big-endian", append([]byte("GGUF\x00\x00\x00\x03"), zeros...), "big-endian")
	f("tensors", raw(1<<40, 0), "too many")
	f("keys", raw(0, 1<<63), "too many")
	f("missing tensors", raw(1000, 0), "tensor 1")
	f("missing keys", raw(0, 1000), "key 1")
	f("long key", raw(0, 1, u64(1<<62)), "a name of")
	f("empty key", raw(0, 1, u64(0)), "a name of 0 bytes")
	f("key beyond the file", raw(0, 1, u64(100), zeros[:50]), "100 bytes at 32")
	f("key twice", raw(0, 2, key("a", kindBool, []byte{1}), key("a", kindUint8, []byte{1})), "there twice")
	f("kind", raw(0, 1, key("a", 13, zeros)), "unknown type 13")
	f("string beyond the file", raw(0, 1, key("a", kindString, u64(1000), zeros)), "1000 bytes at")
	f("enormous string", raw(0, 1, key("a", kindString, u64(math.MaxUint64), zeros)), "a string of")
	f("enormous array", raw(0, 1, key("a", kindArray, u32(uint32(kindInt64)), u64(1<<61))), "an array of")
	f("array beyond the file", raw(0, 1, key("a", kindArray, u32(uint32(kindInt64)), u64(1<<20), zeros)), "8388608 bytes at")
	f("strings beyond the file", raw(0, 1, key("a", kindArray, u32(uint32(kindString)), u64(1<<20), zeros)), "8 bytes at")
	f("array of nothing known", raw(0, 1, key("a", kindArray, u32(99), u64(1), zeros)), "unknown type 99")
	nested := bytes.Repeat(append(u32(uint32(kindArray)), u64(1)...), 1000)
	f("nested arrays", raw(0, 1, key("a", kindArray, nested)), "arrays within arrays")
	f("alignment", raw(0, 1, key(keyAlignment, kindUint32, u32(24))), "general.alignment is 24")
	f("alignment of 0", raw(0, 1, key(keyAlignment, kindUint32, u32(0))), "general.alignment is 0")
	f("alignment as text", raw(0, 1, key(keyAlignment, kindString, u64(0))), "general.alignment")
	f("tensor without a name", raw(1, 0, tensor("", kernel.F32, 0, 1), zeros), "a name of 0 bytes")
	f("no dimensions", raw(1, 0, tensor("x", kernel.F32, 0), zeros), "0 dimensions")
	f("rank", raw(1, 0, tensor("x", kernel.F32, 0, 1, 1, 1, 1, 1), zeros), "5 dimensions")
	f("empty", raw(1, 0, tensor("x", kernel.F32, 0, 0), zeros), "a dimension of 0")
	f("dimension", raw(1, 0, tensor("x", kernel.F32, 0, 1<<31), zeros), "a dimension of")
	f("negative dimension", raw(1, 0, tensor("x", kernel.F32, 0, math.MaxUint64), zeros), "a dimension of")
	f("overflow", raw(1, 0, tensor("x", kernel.F32, 0, math.MaxInt32, math.MaxInt32, math.MaxInt32, math.MaxInt32), zeros), "larger than the file")
	f("blocks", raw(1, 0, tensor("x", kernel.Q4_0, 0, 33), zeros), "blocks of 32")
	f("outside", raw(1, 0, tensor("x", kernel.F32, 32, 1000), zeros), "more than the")
	f("offset", raw(1, 0, tensor("x", kernel.F32, 1<<63, 1), zeros), "starts at byte")
	f("unaligned", raw(1, 0, tensor("x", kernel.F32, 4, 1), zeros), "alignment of 32")
	f("tensor twice", raw(2, 0, tensor("x", kernel.F32, 0, 1), tensor("x", kernel.F32, 32, 1), zeros), "there twice")
	f("shared bytes", raw(2, 0, tensor("x", kernel.F32, 0, 16), tensor("y", kernel.F32, 32, 1), zeros), "share bytes")
	f("shared bytes of unknown size", raw(2, 0, tensor("x", 16, 0, 256), tensor("y", kernel.F32, 0, 1), zeros), "share bytes")
}

// TestUnsupportedType wants files with such tensors to open, and these to fail by name.
func TestUnsupportedType(t *testing.T) {
	t.Parallel()
	var w Writer
	w.PutTensor("odd", 16, []int{1, 256}, make([]byte, 66))
	w.PutTensor("newer", 1000, []int{7}, make([]byte, 66))
	w.PutFloats("norm", []int{1}, []float32{1})
	f, err := Open(write(t, "m.gguf", bytesOf(t, &w)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // of a test
	see := func(name string) error { return f.Tensor(name).View(func([]byte) error { return nil }) }
	if err := see("norm"); err != nil {
		t.Error(err)
	}
	if err := see("odd"); err == nil || !strings.Contains(err.Error(), `"odd" has the type IQ2_XXS`) {
		t.Errorf("odd: %v", err)
	}
	if err := see("newer"); err == nil || !strings.Contains(err.Error(), `"newer" has the type type 1000`) {
		t.Errorf("newer: %v", err)
	}
}

// shard is one file of a split model.
func shard(t *testing.T, no, count, total int, tensors ...string) []byte {
	t.Helper()
	var w Writer
	if count > 0 {
		w.PutUint16(keySplitNo, uint16(no))
		w.PutUint16(keySplitCount, uint16(count))
		w.PutInt32(keySplitTensors, int32(total))
	}
	for _, name := range tensors {
		w.PutFloats(name, []int{1}, []float32{float32(no)})
	}
	return bytesOf(t, &w)
}

func TestShards(t *testing.T) {
	t.Parallel()
	const a, b = "m-00001-of-00002.gguf", "m-00002-of-00002.gguf"
	f := func(want string, files map[string][]byte) {
		t.Helper()
		dir := t.TempDir()
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for name := range files {
			g, err := Open(filepath.Join(dir, name))
			switch {
			case err == nil && want != "":
				t.Errorf("%s of %d files opens, want %q", name, len(files), want)
			case err == nil:
				if len(g.Names()) != 3 {
					t.Errorf("tensors %v", g.Names())
				}
				_ = g.Close() // of a test
			case want == "" || !strings.Contains(err.Error(), want):
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
	f("", map[string][]byte{a: shard(t, 0, 2, 3, "x", "y"), b: shard(t, 1, 2, 3, "z")})
	f("no such file", map[string][]byte{a: shard(t, 0, 2, 3, "x", "y")})
	f("its name is not like", map[string][]byte{"m.gguf": shard(t, 0, 2, 3, "x", "y")})
	f("its name is not like", map[string][]byte{"m-00001-of-00003.gguf": shard(t, 0, 2, 3, "x", "y")})
	f("says that it is shard 1 of 2", map[string][]byte{a: shard(t, 0, 2, 3, "x", "y"), b: shard(t, 0, 2, 3, "z")})
	f("in another shard too", map[string][]byte{a: shard(t, 0, 2, 3, "x", "y"), b: shard(t, 1, 2, 3, "x")})
	f("2 tensors, not 3", map[string][]byte{a: shard(t, 0, 2, 3, "x"), b: shard(t, 1, 2, 3, "z")})
	// A name alone makes no shard.
	f("", map[string][]byte{b: shard(t, 0, 0, 0, "x", "y", "z")})
	if got := Shards("/d/m-00002-of-00003.gguf"); len(got) != 3 || got[0] != "/d/m-00001-of-00003.gguf" || got[2] != "/d/m-00003-of-00003.gguf" {
		t.Errorf("shards %v", got)
	}
	for _, p := range []string{"m.gguf", "m-00001-of-00000.gguf", "m-00001-of-99999.gguf", "m-1-of-2.gguf"} {
		if got := Shards(p); len(got) != 1 || got[0] != p {
			t.Errorf("Shards(%q) = %v", p, got)
		}
	}
}

// TestShrunk cuts an open file short.
func TestShrunk(t *testing.T) {
	t.Parallel()
	var w Writer
	w.PutStrings("tokens", slices.Repeat([]string{"token"}, 10_000))
	w.PutInt32s("ints", make([]int32, 10_000))
	w.PutString("text", strings.Repeat("x", 10_000))
	w.PutFloats("norm", []int{10_000}, make([]float32, 10_000))
	path := write(t, "m.gguf", bytesOf(t, &w))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // of a test
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	sum := 0
	err = f.Tensor("norm").View(func(raw []byte) error {
		for _, b := range raw {
			sum += int(b)
		}
		return nil
	})
	if !errors.Is(err, ErrShrunk) || !strings.Contains(err.Error(), `"norm"`) {
		t.Errorf("a tensor of a file that shrank: %v", err)
	}
	_, a := f.Strings("tokens")
	_, b := f.Ints("ints")
	_, c := f.String("text")
	if a || b || c {
		t.Error("values of a file that shrank are there")
	}
}

// FuzzParse opens anything, and reads all that is in it.
func FuzzParse(f *testing.F) {
	f.Add(small(f))
	f.Add(raw(0, 0))
	f.Add(raw(0, 1, key("a", kindArray, u32(uint32(kindArray)), u64(1), u32(uint32(kindString)), u64(1), u64(1), []byte("x"))))
	f.Add(raw(2, 1, key(keyAlignment, kindUint32, u32(1)), tensor("x", 16, 0, 256), tensor("y", kernel.Q8_0, 8, 32, 2), make([]byte, 300)))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parse(data)
		if err != nil {
			return
		}
		g := &File{values: h.values, tensors: h.tensors}
		for _, k := range g.Keys() {
			text, _ := g.String(k)
			list, _ := g.Strings(k)
			ints, _ := g.Ints(k)
			floats, _ := g.Floats(k)
			g.Int(k)
			g.Float(k)
			g.Bool(k)
			if n := len(text) + 8*len(list) + len(ints) + len(floats); n > 2*len(data) {
				t.Errorf("%q: %d values in %d bytes", k, n, len(data))
			}
		}
		total := 0
		for _, name := range g.Names() {
			x := g.Tensor(name)
			err := x.View(func(raw []byte) error { total += len(raw); return nil })
			if err == nil != x.Type.Supported() {
				t.Errorf("%s of type %s: %v", name, x.Type, err)
			}
		}
		if total > len(data) {
			t.Errorf("tensors of %d bytes in a file of %d", total, len(data))
		}
	})
}
