package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/object"
)

// checkFiles holds the folder against the database: no file that nothing refers to, and
// none missing.
func checkFiles(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it runs when the test is over
	s.collect(ctx)
	known, err := db.All(ctx, s.db, scanText, `SELECT id FROM blob`)
	if err != nil {
		t.Fatal(err)
	}
	blobs := map[string]bool{}
	for _, id := range known {
		blobs[id] = true
	}
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "objects.db") {
			return err
		}
		if !blobs[d.Name()] || filepath.Base(filepath.Dir(path)) == "tmp" {
			t.Errorf("%s is left", path)
		}
		delete(blobs, d.Name())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range blobs {
		t.Errorf("the file of blob %s is missing", id)
	}
	if bad, err := db.All(ctx, s.db, scanText, `SELECT b.id FROM blob b WHERE b.refs <> (SELECT count(*) FROM segment WHERE blob = b.id) + (SELECT count(*) FROM part WHERE blob = b.id)`); err != nil || len(bad) > 0 {
		t.Errorf("references are miscounted: %v, %v", bad, err)
	}
}

const childEnv = "OUTCROP_TEST_OBJECT_CHILD"

// childMain is the process that dies: it writes objects and parts of random sizes for as
// long as it lives, and says what it has finished.
func childMain() bool {
	dir := os.Getenv(childEnv)
	if dir == "" {
		return false
	}
	ctx := context.Background()
	s, err := Open(ctx, Config{Dir: dir})
	if err != nil {
		fmt.Println("error", err)
		return true
	}
	for n := 0; ; n++ {
		size := rand.IntN(300_000)
		body := io.LimitReader(fill(byte('a'+size%26)), int64(size))
		if _, err := s.Put(ctx, "bucket", "k"+strconv.Itoa(n%5), body, object.PutOptions{Size: int64(size)}); err != nil {
			fmt.Println("error", err)
		}
		fmt.Println("put", n%5, size)
		if n%4 == 0 {
			u, err := s.CreateUpload(ctx, "bucket", "u", object.UploadOptions{})
			if err == nil {
				_, err = s.PutPart(ctx, u.UploadRef, 1, io.LimitReader(fill('z'), 100_000), object.PutOptions{})
			}
			if err == nil {
				err = s.Abort(ctx, u.UploadRef)
			}
			if err != nil {
				fmt.Println("error", err)
			}
		}
	}
}

// fill reads as one letter for ever.
type fill byte

func (f fill) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(f)
	}
	return len(p), nil
}

// TestKill kills a writer again and again: what it finished is there, what is there is
// whole, and nothing else is left on the disk.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.CreateBucket(t.Context(), object.Bucket{Name: "bucket"}), first.Close()); err != nil {
		t.Fatal(err)
	}
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		finished := runChild(t, dir, time.Duration(20+rand.IntN(150))*time.Millisecond)
		s, err := Open(t.Context(), Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		checkFiles(t, s)
		for k := range 5 {
			key := "k" + strconv.Itoa(k)
			obj, err := s.Get(t.Context(), "bucket", key, object.GetOptions{})
			if object.Is(err, object.NoSuchKey) && finished[k] == nil {
				continue
			}
			if err != nil {
				t.Fatalf("round %d, %s: %v", round, key, err)
			}
			body, err := io.ReadAll(obj.Body)
			if err := errors.Join(err, obj.Body.Close()); err != nil {
				t.Fatal(err)
			}
			if want := strings.Repeat(string(rune('a'+len(body)%26)), len(body)); string(body) != want || obj.Size != int64(len(body)) {
				t.Errorf("round %d, %s: not what was written: %d of %d bytes", round, key, len(body), obj.Size)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runChild runs a writer and kills it some time after its first word. It returns the
// sizes that it said it had written, by key.
func runChild(t *testing.T, dir string, life time.Duration) map[int][]int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	finished := map[int][]int{}
	var kill *time.Timer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if kill == nil {
			kill = time.AfterFunc(life, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
		}
		var key, size int
		if _, err := fmt.Sscanf(lines.Text(), "put %d %d", &key, &size); err != nil {
			t.Errorf("the child says %q", lines.Text())
			continue
		}
		finished[key] = append(finished[key], size)
	}
	if kill == nil {
		t.Fatal("the child said nothing")
	}
	_ = cmd.Wait() // it was killed
	return finished
}

// fullDisk takes some bytes and no more.
type fullDisk struct {
	file
	left int
}

func (f *fullDisk) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	}
	return f.file.Write(p)
}

func (f *fullDisk) Sync() error {
	if f.left < 1000 {
		return syscall.ENOSPC
	}
	return f.file.Sync()
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	if err := s.CreateBucket(t.Context(), object.Bucket{Name: "bucket"}); err != nil {
		t.Fatal(err)
	}
	write := func(body string) error {
		_, err := s.Put(t.Context(), "bucket", "k", strings.NewReader(body), object.PutOptions{Size: int64(len(body))})
		return err
	}
	if err := write("old"); err != nil {
		t.Fatal(err)
	}
	s.wrap = func(f file) file { return &fullDisk{file: f, left: 500_000} }
	for _, size := range []int{1_000_000, 499_500} { // the second fails when it is synced
		if err := write(strings.Repeat("x", size)); !object.Is(err, object.ServiceUnavailable) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v, want that the disk is full", err)
		}
	}
	s.wrap = nil
	checkFiles(t, s)
	obj, err := s.Get(t.Context(), "bucket", "k", object.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(obj.Body)
	if err := errors.Join(err, obj.Body.Close()); err != nil || string(body) != "old" {
		t.Errorf("got %q, %v", body, err)
	}
}

// TestReadOutlivesDelete: an object in parts is read to its end although it was deleted.
func TestReadOutlivesDelete(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	if err := s.CreateBucket(ctx, object.Bucket{Name: "bucket"}); err != nil {
		t.Fatal(err)
	}
	u, err := s.CreateUpload(ctx, "bucket", "k", object.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var parts []object.Part
	for n := range 3 {
		p, err := s.PutPart(ctx, u.UploadRef, n+1, io.LimitReader(fill(byte('a'+n)), object.MinPart), object.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	if _, err := s.Complete(ctx, u.UploadRef, parts, object.CompleteOptions{}); err != nil {
		t.Fatal(err)
	}
	obj, err := s.Get(ctx, "bucket", "k", object.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "bucket", "k", object.Conditions{}); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, obj.Body)
	if n != 3*object.MinPart || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if err := obj.Body.Close(); err != nil {
		t.Error(err)
	}
	left, err := db.All(ctx, s.db, scanText, `SELECT id FROM blob`)
	if err != nil || len(left) != 0 {
		t.Errorf("%d blobs are left, %v", len(left), err)
	}
}
