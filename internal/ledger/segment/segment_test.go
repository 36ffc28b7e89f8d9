package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes a segment of payloads in a new folder and returns the folder.
func write(t *testing.T, payloads ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	log, err := OpenLog(LogConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	add(t, log, payloads...)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func closeTest(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func add(t *testing.T, log *Log, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := log.Add([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the payloads of a segment, the error that ended it (nil
// for io.EOF) and how many bytes were left.
func read(t *testing.T, dir string, id int64) (payloads []string, rest int64, err error) {
	t.Helper()
	r, err := OpenReader(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	defer closeTest(t, r)
	for {
		p, index, err := r.Next(-1)
		if err != nil {
			rest, statErr := r.Rest()
			if statErr != nil {
				t.Fatal(statErr)
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return payloads, rest, err
		}
		if index != len(payloads) {
			t.Fatalf("index %d of payload %d", index, len(payloads))
		}
		payloads = append(payloads, string(p))
	}
}

// readAll reads every segment of dir.
func readAll(t *testing.T, dir string) (payloads []string) {
	t.Helper()
	ids, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		p, _, err := read(t, dir, id)
		if err != nil {
			t.Fatalf("segment %d: %v", id, err)
		}
		payloads = append(payloads, p...)
	}
	return payloads
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	large := string(bytes.Repeat([]byte("x"), MaxPayload))
	middle := string(bytes.Repeat([]byte("y"), window-5))
	want := []string{"one", large, "three", middle, middle, large, "seven"}
	got, rest, err := read(t, write(t, want...), 1)
	if err != nil || rest != 0 {
		t.Errorf("rest = %d, err = %v", rest, err)
	}
	if !cmp.Equal(got, want) {
		t.Errorf("got %d payloads, want %d", len(got), len(want))
	}
}

func TestPayloadSize(t *testing.T) {
	t.Parallel()
	for _, p := range [][]byte{nil, make([]byte, MaxPayload+1)} {
		if _, err := AppendFrame(nil, p); !errors.Is(err, ErrPayload) {
			t.Errorf("AppendFrame of %d bytes: got %v, want %v", len(p), err, ErrPayload)
		}
	}
}

// Whatever the place at which a crash tore a segment, the whole frames before it are
// read and the bytes behind them are reported.
func TestTorn(t *testing.T) {
	t.Parallel()
	all := []string{"first", "the second", "3", "and the fourth"}
	dir := write(t, all...)
	data, err := os.ReadFile(Path(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		torn := t.TempDir()
		if err := os.WriteFile(Path(torn, 1), data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		var want []string
		size := 0
		for _, p := range all {
			if size+header+len(p) > n {
				break
			}
			size += header + len(p)
			want = append(want, p)
		}
		got, rest, err := read(t, torn, 1)
		if err != nil {
			t.Errorf("cut at %d: %v", n, err)
		}
		if !cmp.Equal(got, want) || rest != int64(n-size) {
			t.Errorf("cut at %d: got %q and %d bytes, want %q and %d", n, got, rest, want, n-size)
		}
	}
}

// Whatever bit is flipped, reading never makes up a payload: it returns the frames
// before the flip and stops there.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	all := []string{"first", "the second", "3", "and the fourth"}
	dir := write(t, all...)
	data, err := os.ReadFile(Path(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if err := os.WriteFile(Path(dir, 1), data, 0o600); err != nil {
				t.Fatal(err)
			}
			data[i] ^= 1 << bit
			var want []string
			size := 0
			for _, p := range all {
				if size += header + len(p); size > i {
					break
				}
				want = append(want, p)
			}
			// A flip in a length may look like a frame that is not all there.
			got, rest, err := read(t, dir, 1)
			if err != nil && !errors.Is(err, ErrCorrupt) {
				t.Errorf("byte %d bit %d: %v", i, bit, err)
			}
			if !cmp.Equal(got, want) || rest == 0 {
				t.Errorf("byte %d bit %d: got %q, rest %d; want %q", i, bit, got, rest, want)
			}
		}
	}
}

func TestReaderBehindLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, err := OpenLog(LogConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer closeTest(t, log)
	r, err := OpenReader(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer closeTest(t, r)
	for i := range 100 {
		limit := log.Position().Offset
		if _, _, err := r.Next(limit); !errors.Is(err, io.EOF) {
			t.Fatalf("round %d: got %v, want EOF", i, err)
		}
		want := fmt.Sprint("payload ", i)
		add(t, log, want, want)
		if err := log.Commit(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Next(limit); !errors.Is(err, io.EOF) {
			t.Fatalf("round %d: looked behind the limit: %v", i, err)
		}
		for j := range 2 {
			p, index, err := r.Next(log.Position().Offset)
			if err != nil || string(p) != want || index != 2*i+j {
				t.Fatalf("round %d: got %q, %d, %v", i, p, index, err)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, err := OpenLog(LogConfig{Dir: dir, MaxSize: 64, First: 7})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 20 {
		p := fmt.Sprint("payload number ", i)
		want = append(want, p)
		add(t, log, p)
		if err := log.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	ids, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := cmp.Diff(ids, []int64{7, 8, 9, 10, 11, 12, 13}); got != "" {
		t.Error(got)
	}
	if diff := cmp.Diff(readAll(t, dir), want); diff != "" {
		t.Error(diff)
	}
	again, err := OpenLog(LogConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer closeTest(t, again)
	if got, want := again.Position(), (Position{ID: 14}); got != want {
		t.Errorf("a new log starts at %v, want %v", got, want)
	}
}

// faulty is a disk that takes so many bytes and then fails.
type faulty struct {
	room    int  // bytes it still takes
	noFiles bool // creating fails too
	noSync  bool
	files   int
}

type faultyFile struct {
	*os.File
	disk *faulty
}

var errDisk = errors.New("no space left on device")

func (d *faulty) create(path string) (File, error) {
	if d.noFiles {
		return nil, errDisk
	}
	d.files++
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return faultyFile{f, d}, nil
}

func (f faultyFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p[:min(len(p), f.disk.room)])
	f.disk.room -= n
	if err == nil && n < len(p) {
		err = errDisk
	}
	return n, err
}

func (f faultyFile) Sync() error {
	if f.disk.noSync {
		return errDisk
	}
	return nil
}

// However many bytes fit before the disk fails, and however often it does, all
// payloads are there once it takes writes again, each of them once.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	want := []string{"first", "the second", "3", "and the fourth", "fifth"}
	total := 0
	for _, p := range want {
		total += header + len(p)
	}
	for room := range total {
		for failures := 1; failures < 6; failures++ {
			for _, noFiles := range []bool{false, true} {
				disk := &faulty{room: room}
				dir := t.TempDir()
				log, err := OpenLog(LogConfig{Dir: dir, Create: disk.create})
				if err != nil {
					t.Fatal(err)
				}
				disk.noFiles = noFiles
				add(t, log, want...)
				for range failures {
					if err := log.Commit(); !errors.Is(err, errDisk) {
						t.Fatalf("got %v, want %v", err, errDisk)
					}
					if room+failures < total {
						disk.room = failures % 2 // on some disks a byte becomes free now and then
					}
				}
				disk.room, disk.noFiles = 1<<20, false
				if err := log.Close(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(readAll(t, dir), want); diff != "" {
					t.Fatalf("room %d, %d failures: %s", room, failures, diff)
				}
				if disk.files > 4 {
					t.Errorf("room %d, %d failures: %d segments", room, failures, disk.files)
				}
			}
		}
	}
}

func TestSyncFailure(t *testing.T) {
	t.Parallel()
	disk := &faulty{room: 1 << 20}
	dir := t.TempDir()
	log, err := OpenLog(LogConfig{Dir: dir, Create: disk.create})
	if err != nil {
		t.Fatal(err)
	}
	add(t, log, "one")
	if err := log.Commit(); err != nil {
		t.Fatal(err)
	}
	disk.noSync = true
	if err := log.Sync(); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want %v", err, errDisk)
	}
	disk.noSync = false
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(readAll(t, dir), []string{"one"}); diff != "" {
		t.Error(diff)
	}
}
