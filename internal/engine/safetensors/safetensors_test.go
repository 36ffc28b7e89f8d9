package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// file makes a file of a header and data.
func file(header string, data ...byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	t.Parallel()
	var data []byte
	for _, f := range []float32{1, -2.5, 3e-20} {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(f))
	}
	for _, h := range []uint16{0x3c00, 0xc100, 0x0001, 0x7bff} { // 1, -2.5, 2⁻²⁴, 65504
		data = binary.LittleEndian.AppendUint16(data, h)
	}
	for _, f := range []float32{1, -2.5} {
		data = binary.LittleEndian.AppendUint16(data, uint16(math.Float32bits(f)>>16))
	}
	data = binary.LittleEndian.AppendUint64(data, 7)
	path := write(t, t.TempDir(), "m.safetensors", file(`{"__metadata__":{"format":"pt"},
		"f32":{"dtype":"F32","shape":[3,1],"data_offsets":[0,12]},
		"f16":{"dtype":"F16","shape":[2,2],"data_offsets":[12,20]},
		"bf16":{"dtype":"BF16","shape":[2],"data_offsets":[20,24]},
		"ids":{"dtype":"I64","shape":[],"data_offsets":[24,32]},
		"none":{"dtype":"F32","shape":[0,4],"data_offsets":[32,32]}}`, data...))
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, shape []int, want ...float32) {
		t.Helper()
		x := s.Tensor(name)
		got, err := x.Floats()
		if err != nil || !cmp.Equal(got, want) || !cmp.Equal(x.Shape, shape) {
			t.Errorf("%s = %v %v, %v, want %v %v", name, x.Shape, got, err, shape, want)
		}
	}
	f("f32", []int{3, 1}, 1, -2.5, 3e-20)
	f("f16", []int{2, 2}, 1, -2.5, 1.0/(1<<24), 65504)
	f("bf16", []int{2}, 1, -2.5)
	f("none", []int{0, 4}, []float32{}...)
	two := make([]float32, 2)
	if err := s.Tensor("f16").Read(two, 2); err != nil || two[1] != 65504 {
		t.Errorf("read from 2: %v, %v", two, err)
	}
	for _, from := range []int{-1, 3, math.MaxInt} {
		if err := s.Tensor("f16").Read(two, from); err == nil {
			t.Errorf("read of 2 elements from %d of 4 is accepted", from)
		}
	}
	if _, err := s.Tensor("ids").Floats(); err == nil || !strings.Contains(err.Error(), "I64") {
		t.Errorf("I64 as floats: %v, want an error that names the type", err)
	}
	if s.Tensor("nosuch") != nil || len(s.Names()) != 5 {
		t.Errorf("names %v", s.Names())
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

// TestHalf compares every half with its value by definition.
func TestHalf(t *testing.T) {
	t.Parallel()
	for h := range 1 << 16 {
		exp, frac := h>>10&0x1f, float64(h&0x3ff)
		want := math.Ldexp(1+frac/1024, exp-15)
		switch {
		case exp == 0:
			want = math.Ldexp(frac/1024, -14)
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			want = math.NaN()
		}
		if h>>15 == 1 {
			want = -want
		}
		got := float64(half(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) && !math.IsNaN(want) {
			t.Errorf("half(%#04x) = %v, want %v", h, got, want)
		}
	}
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
	one := func(dtype, shape, offsets string, n int) []byte {
		return file(fmt.Sprintf(`{"x":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets), make([]byte, n)...)
	}
	f("empty", nil, "too short")
	f("header beyond the file", binary.LittleEndian.AppendUint64(nil, 1), "header of 1 bytes")
	f("enormous header", append(binary.LittleEndian.AppendUint64(nil, 1<<63), make([]byte, 64)...), "header of")
	f("no JSON", file("hello"), "not a JSON object")
	f("half JSON", file(`{"x":{"dtype":"F32"`), "header")
	f("text after", file(`{}{}`), "after the JSON object")
	f("twice", file(`{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), "twice")
	f("type", one("F7", "[1]", "[0,4]", 4), "unknown type")
	f("outside", one("F32", "[2]", "[0,8]", 4), "bytes [0 8] of 4")
	f("backwards", one("F32", "[1]", "[4,0]", 4), "bytes [4 0]")
	f("negative", one("F32", "[1]", "[-4,0]", 4), "header")
	f("one offset", one("F32", "[1]", "[4]", 4), "bytes [4]")
	f("shape", one("F32", "[2]", "[0,4]", 4), "4 bytes for shape")
	f("negative shape", one("F32", "[-1]", "[0,4]", 4), "larger than the file")
	f("overflowing shape", one("F32", "[4294967296,4294967296]", "[0,0]", 4), "larger than the file")
	f("rank", one("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]", 4), "9 dimensions")
	f("shared", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}}`, make([]byte, 5)...), "share bytes")
	f("long name", file(`{"`+strings.Repeat("x", 2000)+`":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`), "name has 2000 bytes")
}

func TestOpenDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := OpenDir(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty folder: %v, want fs.ErrNotExist", err)
	}
	write(t, dir, "a.safetensors", file(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1))
	write(t, dir, "b.safetensors", file(`{"y":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`, 0, 0x3c))
	index := func(m map[string]string) {
		t.Helper()
		text, err := json.Marshal(map[string]any{"weight_map": m})
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, indexName, text)
	}
	index(map[string]string{"x": "a.safetensors", "y": "b.safetensors"})
	s, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Tensor("y").Floats(); err != nil || got[0] != 1 || !cmp.Equal(s.Names(), []string{"x", "y"}) {
		t.Errorf("%v, %v; names %v", got, err, s.Names())
	}
	s.Forget()
	if got, err := s.Tensor("y").Floats(); err != nil || got[0] != 1 {
		t.Errorf("after Forget: %v, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	f := func(m map[string]string, want string) {
		t.Helper()
		index(m)
		if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("index %v: %v, want %q", m, err, want)
		}
	}
	f(nil, "0 shards")
	f(map[string]string{"x": "../a.safetensors"}, "no file name")
	f(map[string]string{"x": "/etc/passwd"}, "no file name")
	f(map[string]string{"x": "b.safetensors"}, `holds "x"`)
	f(map[string]string{"x": "c.safetensors"}, "no such file")
	if _, err := Open(dir); err == nil {
		t.Error("a folder is opened as a file")
	}
}

// TestShrunk cuts a mapped file short: what is gone gives an error.
func TestShrunk(t *testing.T) {
	t.Parallel()
	const n = 1 << 20
	path := write(t, t.TempDir(), "m.safetensors", file(fmt.Sprintf(`{"x":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}`, n/4, n), make([]byte, n)...))
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tensor("x").Floats(); !errors.Is(err, ErrShrunk) {
		t.Errorf("read of a file that shrank: %v, want ErrShrunk", err)
	}
	if _, err := s.Tensor("x").Bytes(); !errors.Is(err, ErrShrunk) {
		t.Errorf("bytes of a file that shrank: %v, want ErrShrunk", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file(`{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4))
	f.Add(file(`{"x":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},"y":{"dtype":"BF16","shape":[1],"data_offsets":[12,14]}}`, make([]byte, 14)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := parse(data)
		if err != nil {
			return
		}
		total := 0
		for _, x := range tensors {
			total += x.Size()
			if x.Type == F32 || x.Type == F16 || x.Type == BF16 {
				if _, err := x.Floats(); err != nil {
					t.Errorf("%s: %v", x.Name, err)
				}
			}
		}
		if total > len(data) {
			t.Errorf("tensors of %d bytes in a file of %d", total, len(data))
		}
	})
}
