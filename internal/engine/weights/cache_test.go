package weights

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
)

// loaded is what became of a model that was loaded.
type loaded struct {
	packed map[string][]byte // copies of the matrices
	cached int               // how many of them came from the cache
	log    string
}

// load loads all of a model, waits for the cache, and closes it.
func load(t *testing.T, path string, o Options) loaded {
	t.Helper()
	var log bytes.Buffer
	if o.Compute == nil {
		o.Compute = compute(t)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
	}
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	l := loaded{packed: map[string][]byte{}}
	for _, typ := range types {
		name := "blk.0." + typ.String() + ".weight"
		m, err := s.Matrix(name, rows, cols)
		if err != nil {
			t.Fatal(err)
		}
		l.packed[name] = bytes.Clone(m.Packed())
		if f := s.cache.file; f != nil && within(m.Packed(), f.Data()) {
			l.cached++
		}
	}
	if err := s.Loaded(); err != nil {
		t.Error(err)
	}
	s.Flush()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	l.log = log.String()
	return l
}

// within reports whether part is a part of whole, the same memory.
func within(part, whole []byte) bool {
	first, start := uintptr(unsafe.Pointer(&part[0])), uintptr(unsafe.Pointer(&whole[0]))
	return start <= first && first < start+uintptr(len(whole))
}

// files returns the names of the packed files in a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"+packedExt))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func same(a, b map[string][]byte) bool {
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			return false
		}
	}
	return len(a) == len(b)
}

// TestCache loads a model again and again: the same matrices, from the cache.
func TestCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, cacheDir := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "not", "yet")
	model(t, path)
	first := load(t, path, Options{CacheDir: cacheDir})
	second := load(t, path, Options{CacheDir: cacheDir})
	if first.cached != 0 || second.cached != len(types) || !same(first.packed, second.packed) {
		t.Errorf("%d, then %d matrices come from the cache, the same: %t", first.cached, second.cached, same(first.packed, second.packed))
	}
	list := files(t, cacheDir)
	if len(list) != 1 {
		t.Fatalf("packed files %v", list)
	}
	info, err := os.Stat(list[0])
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	load(t, path, Options{CacheDir: cacheDir})
	if again, err := os.Stat(list[0]); err != nil || !again.ModTime().Equal(info.ModTime()) || !os.SameFile(again, info) {
		t.Errorf("a good packed file is written again, %v", err)
	}
	// Another way to load is another file, and both stay.
	if q := load(t, path, Options{CacheDir: cacheDir, Quantize: ToQ8_0}); q.cached != 0 || same(q.packed, first.packed) {
		t.Errorf("%d matrices of another type come from the cache", q.cached)
	}
	q := load(t, path, Options{CacheDir: cacheDir, Quantize: ToQ8_0})
	f := load(t, path, Options{CacheDir: cacheDir})
	if q.cached != len(types) || f.cached != len(types) || len(files(t, cacheDir)) != 2 {
		t.Errorf("%d and %d from the cache of %v", q.cached, f.cached, files(t, cacheDir))
	}
	left, err := filepath.Glob(filepath.Join(cacheDir, "*"+partialExt))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// TestCacheStale changes a model: its packed file is replaced.
func TestCacheStale(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, cacheDir := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "cache")
	raws := model(t, path)
	load(t, path, Options{CacheDir: cacheDir})
	f := func(what string, change func()) {
		t.Helper()
		before := files(t, cacheDir)
		change()
		l := load(t, path, Options{CacheDir: cacheDir})
		after := files(t, cacheDir)
		if l.cached != 0 || len(after) != 1 || after[0] == before[0] {
			t.Errorf("%s: %d matrices come from the cache, files %v, then %v", what, l.cached, before, after)
		}
		if l := load(t, path, Options{CacheDir: cacheDir}); l.cached != len(types) {
			t.Errorf("%s: only %d matrices come from the new cache", what, l.cached)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f("time", func() {
		if err := os.Chtimes(path, time.Time{}, info.ModTime().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	})
	f("contents, with size and time as they were", func() {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(data, raws["blk.0.F32.weight"])
		for i := range data[at : at+len(raws["blk.0.F32.weight"])] {
			data[at+i] ^= 1
		}
		if err := errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, time.Time{}, info.ModTime().Add(time.Second))); err != nil {
			t.Fatal(err)
		}
	})
	f("size", func() {
		g, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = g.Write(make([]byte, 32))
		if err := errors.Join(err, g.Close()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestCacheDamaged damages a packed file in every way that a disk or a crash can.
func TestCacheDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, cacheDir := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "cache")
	model(t, path)
	want := load(t, path, Options{CacheDir: cacheDir})
	packed := files(t, cacheDir)[0]
	good, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	list := int(binary.LittleEndian.Uint64(good[8:]))
	f := func(what string, cached int, data []byte) {
		t.Helper()
		if err := errors.Join(os.Remove(packed), os.WriteFile(packed, data, 0o600)); err != nil {
			t.Fatal(err)
		}
		l := load(t, path, Options{CacheDir: cacheDir})
		if l.cached != cached || !same(l.packed, want.packed) || !strings.Contains(l.log, "made anew") {
			t.Errorf("%s: %d matrices come from the cache, want %d; the same: %t; log %q", what, l.cached, cached, same(l.packed, want.packed), l.log)
		}
		if again, err := os.ReadFile(packed); err != nil || !bytes.Equal(again, good) {
			t.Errorf("%s: not replaced by a good one, %v", what, err)
		}
	}
	flip := func(at int) []byte {
		data := bytes.Clone(good)
		data[at] ^= 0x10
		return data
	}
	f("empty", 0, nil)
	f("half", 0, good[:len(good)/2])
	f("a byte short", 0, good[:len(good)-1])
	f("longer", 0, append(bytes.Clone(good), 0))
	f("never finished", 0, append(make([]byte, prefaceSize), good[prefaceSize:]...))
	f("magic", 0, flip(0))
	f("place of the list", 0, flip(9))
	f("length of the list", 0, flip(17))
	f("checksum of the list", 0, flip(24))
	f("list", 0, flip(list+50))
	f("first byte of the data", 0, flip(64))
	f("last byte of the data", len(types)-1, flip(list-1))
}

// TestParsePacked has lists that are whole and wrong.
func TestParsePacked(t *testing.T) {
	t.Parallel()
	f := func(want string, text string, data int) {
		t.Helper()
		b := append(make([]byte, prefaceSize+data), text...)
		copy(b, packedMagic)
		binary.LittleEndian.PutUint64(b[8:], uint64(prefaceSize+data))
		binary.LittleEndian.PutUint64(b[16:], uint64(len(text)))
		binary.LittleEndian.PutUint32(b[24:], checksum([]byte(text)))
		_, err := parsePacked(b)
		if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	f("", `{"tensors":[{"name":"a","type":0,"rows":16,"cols":1,"offset":64,"size":64,"sums":[1]}]}`, 96)
	f("JSON", `{`, 96)
	f("type type 77", `{"tensors":[{"name":"a","type":77,"rows":16,"cols":1,"offset":64,"size":64,"sums":[1]}]}`, 96)
	f("64 bytes at 0", `{"tensors":[{"name":"a","type":0,"rows":16,"cols":1,"offset":0,"size":64,"sums":[1]}]}`, 96)
	f("64 bytes at 68", `{"tensors":[{"name":"a","type":0,"rows":16,"cols":1,"offset":68,"size":64,"sums":[1]}]}`, 196)
	f("64 bytes at 128", `{"tensors":[{"name":"a","type":0,"rows":16,"cols":1,"offset":128,"size":64,"sums":[1]}]}`, 96)
	f("64 bytes at 64", `{"tensors":[{"name":"a","type":0,"rows":16,"cols":1,"offset":64,"size":64,"sums":[1]}]}`, 95)
	f("32 bytes at 64", `{"tensors":[{"name":"a","type":0,"rows":16,"cols":1,"offset":64,"size":32,"sums":[1]}]}`, 96)
	f("0 checksums", `{"tensors":[{"name":"a","type":0,"rows":16,"cols":1,"offset":64,"size":64}]}`, 96)
	f("matrix of -1×1", `{"tensors":[{"name":"a","type":0,"rows":-1,"cols":1,"offset":64,"size":64,"sums":[1]}]}`, 96)
	f("bytes at -64", `{"tensors":[{"name":"a","type":0,"rows":16,"cols":1,"offset":-64,"size":64,"sums":[1]}]}`, 96)
	f("matrix of", `{"tensors":[{"name":"a","type":0,"rows":4611686018427387904,"cols":4611686018427387904,"offset":64,"size":64,"sums":[1]}]}`, 96)
}

func FuzzParsePacked(f *testing.F) {
	var b buffer
	list := packedList{Source: "/m", Tensor: []packedTensor{{Name: "a", Type: kernel.Q8_0, Rows: 8, Cols: 32, Offset: 64, Size: 272}}}
	if err := writePacked(f.Context(), &b, &list, [][]byte{make([]byte, 272)}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.data)
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parsePacked(data)
		if err != nil {
			return
		}
		for _, x := range list.Tensor {
			part := data[x.Offset:][:x.Size]
			for i := range x.Sums {
				checksum(chunk(part, i))
			}
			if _, err := kernel.FromPacked(x.Type, x.Rows, x.Cols, bytes.Clone(part)); err != nil {
				t.Error(err)
			}
		}
	})
}

// buffer is an output that takes so many bytes before it is full, when limit is
// positive.
type buffer struct {
	data  []byte
	limit int
	sync  error
}

var errFull = errors.New("no space left on device")

func (b *buffer) Write(p []byte) (int, error) {
	if b.limit > 0 && len(b.data)+len(p) > b.limit {
		return 0, errFull
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

func (b *buffer) WriteAt(p []byte, at int64) (int, error) { return copy(b.data[at:], p), nil }

func (b *buffer) Sync() error { return b.sync }

// TestWriteFails has a disk that is full at any point: no file that looks whole.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	parts := [][]byte{random(100, 1), random(70, 2)}
	list := func() *packedList {
		return &packedList{Source: "/m", Tensor: []packedTensor{
			{Name: "a", Type: kernel.F32, Rows: 1, Cols: 1, Offset: 64, Size: 100}, {Name: "b", Type: kernel.F32, Rows: 1, Cols: 1, Offset: 192, Size: 70},
		}}
	}
	var whole buffer
	if err := writePacked(t.Context(), &whole, list(), parts); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(whole.data); n++ {
		b := buffer{limit: n}
		if err := writePacked(t.Context(), &b, list(), parts); !errors.Is(err, errFull) {
			t.Fatalf("full after %d bytes: %v", n, err)
		}
		if bytes.HasPrefix(b.data, []byte(packedMagic)) {
			t.Fatalf("full after %d bytes, and it looks like a packed file", n)
		}
	}
	if err := writePacked(t.Context(), &buffer{sync: errFull}, list(), parts); !errors.Is(err, errFull) {
		t.Errorf("sync: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := writePacked(ctx, &buffer{}, list(), parts); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestNoCacheFolder has a folder that can't be made: the model loads, and the log says
// why it has no cache.
func TestNoCacheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, file := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "file")
	model(t, path)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if l := load(t, path, Options{CacheDir: filepath.Join(file, "cache")}); l.cached != 0 || !strings.Contains(l.log, "not a directory") {
		t.Errorf("%d matrices, log %q", l.cached, l.log)
	}
}

// TestNoRoom asks for more than any disk has.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	if err := roomFor(t.TempDir(), 1<<61); err == nil || !strings.Contains(err.Error(), "MB are free") {
		t.Errorf("room for 2⁶¹ bytes: %v", err)
	}
	if err := roomFor(filepath.Join(t.TempDir(), "absent"), 1); err != nil {
		t.Errorf("unknown room: %v", err)
	}
}

// TestTogether has many load the same model at the same time.
func TestTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, cacheDir := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "cache")
	model(t, path)
	c := compute(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 3 {
				load(t, path, Options{CacheDir: cacheDir, Compute: c})
			}
		})
	}
	wg.Wait()
	if l := load(t, path, Options{CacheDir: cacheDir}); l.cached != len(types) || len(files(t, cacheDir)) != 1 {
		t.Errorf("%d matrices from %v", l.cached, files(t, cacheDir))
	}
}

// TestBusy has another process write the packed file: this one leaves it alone.
func TestBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, cacheDir := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "cache")
	model(t, path)
	s := open(t, path, Options{CacheDir: cacheDir})
	if err := os.Mkdir(cacheDir, 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := s.cache.lock()
	if err != nil {
		t.Fatal(err)
	}
	partial := filepath.Join(cacheDir, s.cache.id+"-1"+partialExt)
	if err := os.WriteFile(partial, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	load(t, path, Options{CacheDir: cacheDir})
	if _, err := os.Stat(partial); err != nil || len(files(t, cacheDir)) > 0 {
		t.Errorf("%v: files %v", err, files(t, cacheDir))
	}
	unlock() // as when that process ends before it is done
	load(t, path, Options{CacheDir: cacheDir})
	if _, err := os.Stat(partial); !errors.Is(err, fs.ErrNotExist) || len(files(t, cacheDir)) != 1 {
		t.Errorf("%v: files %v", err, files(t, cacheDir))
	}
}

// TestSweep keeps packed files of models that are there, and no others.
func TestSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cacheDir := filepath.Join(dir, "cache")
	var paths []string
	for _, name := range []string{"a.gguf", "b.gguf", "c.gguf"} {
		path := filepath.Join(dir, name)
		paths = append(paths, path)
		model(t, path)
		if name == "c.gguf" { // by now, a is gone
			if err := os.Remove(paths[0]); err != nil {
				t.Fatal(err)
			}
		}
		load(t, path, Options{CacheDir: cacheDir})
	}
	other := filepath.Join(cacheDir, "of-another-version"+packedExt)
	if err := os.WriteFile(other, []byte("what will be"), 0o600); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(cacheDir, "0123-1"+partialExt) // of a model that is never loaded again
	if err := errors.Join(os.WriteFile(left, nil, 0o600), os.Chtimes(left, time.Time{}, time.Now().Add(-48*time.Hour))); err != nil {
		t.Fatal(err)
	}
	load(t, paths[2], Options{CacheDir: cacheDir, Quantize: ToQ4_0})
	load(t, paths[2], Options{CacheDir: cacheDir})
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what another process left is still there: %v", err)
	}
	var sources []string
	for _, f := range files(t, cacheDir) {
		if data, err := os.ReadFile(f); err == nil && f != other {
			list, err := parsePacked(data)
			if err != nil {
				t.Fatal(err)
			}
			sources = append(sources, list.Source)
		}
	}
	slices.Sort(sources)
	if !slices.Equal(slices.Compact(sources), paths[1:]) {
		t.Errorf("packed files of %v, want of %v", sources, paths[1:])
	}
}

// TestCloseGivesUp closes a model while its packed file is written.
func TestCloseGivesUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, cacheDir := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "cache")
	model(t, path)
	for range 10 { // before, while, or after it is written
		s, err := Open(path, Options{Compute: compute(t), CacheDir: cacheDir})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Matrix("blk.0.F32.weight", rows, cols); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Loaded(), s.Close()); err != nil {
			t.Error(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(cacheDir, "*"+partialExt))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// TestCacheOfShards has a cache for a model of several files, which all count.
func TestCacheOfShards(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(no int, value float32) {
		t.Helper()
		var w gguf.Writer
		w.PutUint16("split.no", uint16(no))
		w.PutUint16("split.count", 2)
		w.PutFloats([]string{"x", "y"}[no], []int{1, 4}, []float32{value, 0, 0, 0})
		if err := w.Create(filepath.Join(dir, []string{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}[no])); err != nil {
			t.Fatal(err)
		}
	}
	take := func() (cached bool, first byte) {
		t.Helper()
		s := open(t, dir, Options{CacheDir: filepath.Join(dir, "cache")})
		m, err := s.Matrix("y", 1, 4)
		if err := errors.Join(err, s.Loaded()); err != nil {
			t.Fatal(err)
		}
		s.Flush()
		return s.cache.file != nil, m.Packed()[3]
	}
	put(0, 1)
	put(1, 1)
	if cached, _ := take(); cached {
		t.Error("the first time, it comes from the cache")
	}
	if cached, x := take(); !cached || x != 0x3f {
		t.Errorf("the second time: %t, %x", cached, x)
	}
	put(1, 2)
	if cached, x := take(); cached || x != 0x40 {
		t.Errorf("after a change of the second file: %t, %x", cached, x)
	}
}
