//go:build unix

package mapping

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, data []byte) (*File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(f.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return f, path
}

func TestRead(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789"), 10_000)
	f, _ := open(t, want)
	f.WillNeed(f.Data()[5:9000])
	f.Scattered(f.Data()[100:200])
	if !bytes.Equal(f.Data(), want) || f.Name() != "file" || f.Info().Size() != 100_000 {
		t.Error("not what was written")
	}
	f.Forget(f.Data()[1:50_000])
	f.Forget(f.Data()[100_000:])
	if !bytes.Equal(f.Data(), want) {
		t.Error("what is forgotten doesn't come back")
	}
	wrong := errors.New("fn's own")
	if err := f.Guard(func() error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("the error of fn becomes %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(name, want string) {
		t.Helper()
		if _, err := Open(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	f("empty", "empty is empty")
	f("", "no regular file")
	f("absent", "no such file")
	for _, size := range []int{-1, 0, 1 << 60} {
		if _, err := NewMemory(size); err == nil {
			t.Errorf("memory of %d bytes", size)
		}
	}
}

// TestShrunk cuts files short under their readers, many at a time.
func TestShrunk(t *testing.T) {
	t.Parallel()
	f, path := open(t, make([]byte, 1<<20))
	if err := os.Truncate(path, 5000); err != nil {
		t.Fatal(err)
	}
	sum := func(data []byte) func() error {
		return func() error {
			n := byte(0)
			for _, b := range data {
				n += b
			}
			if n != 0 {
				return errors.New("not zero")
			}
			return nil
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := f.Guard(sum(f.Data())); !errors.Is(err, ErrShrunk) {
				t.Errorf("all of a file that shrank: %v", err)
			}
			if err := f.Guard(sum(f.Data()[:5000])); err != nil {
				t.Errorf("what is left of it: %v", err)
			}
		})
	}
	wg.Wait()
}

// TestPanics wants panics that are no page's fault to go on.
func TestPanics(t *testing.T) {
	t.Parallel()
	f, _ := open(t, []byte("x"))
	other, path := open(t, make([]byte, 1<<20))
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	for name, fn := range map[string]func() error{
		"index":          func() error { return errors.New(string(f.Data()[len(f.Data()):][0])) },
		"nil":            func() error { var p *File; return errors.New(p.name) },
		"another's page": func() error { return errors.New(string(other.Data()[9000])) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: the panic ended inside Guard", name)
				}
			}()
			err := f.Guard(fn)
			t.Errorf("%s: %v", name, err)
		}()
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	m, err := NewMemory(3 << 20)
	if err != nil {
		t.Fatal(err)
	}
	d := m.Data()
	d[0], d[len(d)-1] = 1, 2
	if len(d) != 3<<20 || d[1] != 0 || d[1<<20] != 0 {
		t.Error("memory isn't what was asked for")
	}
	if err := errors.Join(m.Close(), m.Close()); err != nil || m.Data() != nil {
		t.Error(err)
	}
}
