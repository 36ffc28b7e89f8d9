package pdfium

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// TestProvenance compares the program with what NOTICE says of it.
func TestProvenance(t *testing.T) {
	t.Parallel()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, maxProgram))
	if err != nil || n == maxProgram {
		t.Fatalf("%d bytes and error %v, want fewer than %d", n, err, maxProgram)
	}
	notice, err := os.ReadFile("../../../NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); !strings.Contains(string(notice), got) {
		t.Errorf("the program's sha256 is %s; NOTICE does not name it", got)
	}
}

// TestMemory fills a file's share of memory and wants an error, and the next file
// read as if nothing had been.
func TestMemory(t *testing.T) {
	t.Parallel()
	none := func(Info, *Page) error { return nil }
	if err := Read(t.Context(), make([]byte, maxMemory<<16), none); !errors.Is(err, ErrCrash) {
		t.Errorf("error %v, want ErrCrash", err)
	}
	if err := Read(t.Context(), []byte("not a PDF"), none); !errors.Is(err, ErrFormat) {
		t.Errorf("error %v, want ErrFormat", err)
	}
}
