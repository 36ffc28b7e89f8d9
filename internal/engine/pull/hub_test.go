package pull

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeHub is a server with Hugging Face's layout. It serves one repository, in pages of
// two files, from another address than its API's.
type fakeHub struct {
	*httptest.Server
	files map[string]string
	large map[string]bool // in LFS: listed with their SHA-256

	mu    sync.Mutex
	asked []string // file requests: "path range"
	cut   int      // bytes after which a file request breaks off, when positive
	times int      // how often it does
	down  int      // how many requests are answered 503
	token string
}

func newHub(t *testing.T, files map[string]string, large ...string) *fakeHub {
	t.Helper()
	h := &fakeHub{files: files, large: map[string]bool{}}
	for _, l := range large {
		h.large[l] = true
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/models/org/repo/revision/{rev}", h.revision)
	mux.HandleFunc("GET /api/models/org/repo/tree/c0ffee", h.tree)
	mux.HandleFunc("GET /org/repo/resolve/c0ffee/{path...}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/cdn/"+r.PathValue("path"), http.StatusFound)
	})
	mux.HandleFunc("GET /cdn/{path...}", h.file)
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

func (h *fakeHub) revision(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down > 0 {
		h.down--
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	if h.token != "" && r.Header.Get("Authorization") != "Bearer "+h.token {
		http.Error(w, "gated", http.StatusUnauthorized)
		return
	}
	_, _ = fmt.Fprint(w, `{"sha":"c0ffee","tags":["x","license:mit"]}`)
}

func (h *fakeHub) tree(w http.ResponseWriter, r *http.Request) {
	var names []string
	for n := range h.files {
		names = append(names, n)
	}
	slices.Sort(names)
	from := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from)
	to := min(from+2, len(names))
	if to < len(names) {
		w.Header().Set("Link", fmt.Sprintf(`<%s/api/models/org/repo/tree/c0ffee?cursor=%d>; rel="next"`, h.URL, to))
	}
	var list []map[string]any
	for _, n := range names[from:to] {
		text := h.files[n]
		blob := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text))
		entry := map[string]any{"type": "file", "path": n, "size": len(text), "oid": hex.EncodeToString(blob[:])}
		if h.large[n] {
			entry["lfs"] = map[string]any{"oid": sumOf(text), "size": len(text)}
		}
		list = append(list, entry)
	}
	_ = json.NewEncoder(w).Encode(list)
}

func (h *fakeHub) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	h.mu.Lock()
	h.asked = append(h.asked, strings.TrimSpace(name+" "+r.Header.Get("Range")))
	breaks := h.times > 0 && h.large[name]
	if breaks {
		h.times--
	}
	cut, text := h.cut, h.files[name]
	h.mu.Unlock()
	w.Header().Set("ETag", `"`+sumOf(text)[:8]+`"`)
	if breaks {
		w = &shortWriter{w, cut}
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
}

// shortWriter breaks the connection after some bytes.
type shortWriter struct {
	http.ResponseWriter
	left int
}

func (w *shortWriter) Write(b []byte) (int, error) {
	n, _ := w.ResponseWriter.Write(b[:min(len(b), w.left)])
	if w.left -= n; w.left == 0 {
		http.NewResponseController(w.ResponseWriter).Flush() //nolint:errcheck // about to break
		panic(http.ErrAbortHandler)                          // how net/http breaks off
	}
	return n, nil
}

func sumOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func newPuller(t *testing.T, cfg Config) *Puller {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	for _, s := range []*string{&cfg.HuggingFace, &cfg.Index} {
		if *s == "" {
			*s = "http://127.0.0.1:1" // nobody
		}
	}
	if cfg.Ollama == nil {
		cfg.Ollama = []string{} // not what happens to be on this machine
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.pause = time.Millisecond
	return p
}

func repo() map[string]string {
	return map[string]string{
		"config.json": `{"model_type":"bert"}`, "tokenizer.json": "{}", "modules.json": "[]", "1_Pooling/config.json": `{"a":1}`,
		"model.safetensors": strings.Repeat("weights ", 1000), "LICENSE.txt": "MIT",
		"onnx/model.onnx": "no", "pytorch_model.bin": "no", "README.md": "no", ".gitattributes": "no",
	}
}

func TestHub(t *testing.T) {
	t.Parallel()
	h := newHub(t, repo(), "model.safetensors")
	h.down, h.token = 2, "secret"
	p := newPuller(t, Config{HuggingFace: h.URL + "/", Token: "secret"})
	m, err := p.Pull(t.Context(), "hf:org/repo")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1_Pooling/config.json", "LICENSE.txt", "config.json", "model.safetensors", "modules.json", "tokenizer.json"}
	var got []string
	for _, f := range m.Files {
		got = append(got, f.Name)
		text, err := os.ReadFile(filepath.Join(m.Path, f.Name))
		if err != nil || string(text) != h.files[f.Name] || f.SHA256 != sumOf(h.files[f.Name]) {
			t.Errorf("%s: %q, %v; %+v", f.Name, text, err, f)
		}
	}
	if !slices.Equal(got, want) || m.License != "mit" || m.Name != "hf:org/repo" || m.Path != filepath.Join(p.cfg.Dir, "hf", "org", "repo") {
		t.Errorf("%+v", m)
	}
	// It is there now, for everybody and without the network.
	h.Close()
	offline := newPuller(t, Config{Dir: p.cfg.Dir, Offline: true})
	if again, err := offline.Pull(t.Context(), "hf:org/repo"); err != nil || again.Path != m.Path {
		t.Errorf("offline: %+v, %v", again, err)
	}
	if list, err := offline.List(); err != nil || len(list) != 1 || list[0].Name != m.Name || list[0].Size() != m.Size() {
		t.Errorf("list %+v, %v", list, err)
	}
	if _, err := offline.Pull(t.Context(), "hf:org/other"); !errors.Is(err, ErrOffline) {
		t.Errorf("offline, not here: %v", err)
	}
	// One that lost a file is not there.
	if err := os.Remove(filepath.Join(m.Path, "config.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := offline.Find("hf:org/repo"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}

func TestHubOneFile(t *testing.T) {
	t.Parallel()
	files := map[string]string{"a-q8.gguf": "GGUF8", "a-q4.gguf": "GGUF4"}
	p := newPuller(t, Config{HuggingFace: newHub(t, files).URL})
	if _, err := p.Pull(t.Context(), "hf:org/repo"); err == nil || !strings.Contains(err.Error(), "hf:org/repo:a-q4.gguf") {
		t.Errorf("no file named: %v", err)
	}
	m, err := p.Pull(t.Context(), "hf:org/repo@v1:a-q8.gguf")
	if err != nil || len(m.Files) != 1 || m.Files[0].Size != 5 {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := p.Pull(t.Context(), "hf:org/repo:nosuch.gguf"); err == nil || !strings.Contains(err.Error(), "no file nosuch.gguf") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestResume breaks a download off at every few bytes; the rest is asked for, no more.
func TestResume(t *testing.T) {
	t.Parallel()
	files := map[string]string{"config.json": "{}", "model.safetensors": strings.Repeat("0123456789", 100)}
	for cut := 1; cut < 1000; cut += 111 {
		h := newHub(t, files, "model.safetensors")
		p := newPuller(t, Config{HuggingFace: h.URL})
		h.cut, h.times = cut, 3
		m, err := p.Pull(t.Context(), "hf:org/repo")
		if err != nil || m.Size() != 1002 {
			t.Errorf("cut at %d: %+v, %v; asked %v", cut, m, err, h.asked)
		}
		if cut > 10 && !slices.Contains(h.asked, fmt.Sprintf("model.safetensors bytes=%d-", cut)) {
			t.Errorf("cut at %d: asked %v", cut, h.asked)
		}
	}
}

// TestResumeLater goes on in another process, and starts anew when the file is another.
func TestResumeLater(t *testing.T) {
	t.Parallel()
	f := func(change func(h *fakeHub, p *Puller), want string) {
		t.Helper()
		files := map[string]string{"config.json": "{}", "model.safetensors": strings.Repeat("0123456789", 100)}
		h := newHub(t, files, "model.safetensors")
		p := newPuller(t, Config{HuggingFace: h.URL})
		h.cut, h.times = 300, 1
		ctx, cancel := context.WithCancel(t.Context())
		p.cfg.Progress = func(x Progress) {
			if x.File == "model.safetensors" {
				cancel()
			}
		}
		if _, err := p.Pull(ctx, "hf:org/repo"); !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled: %v", err)
		}
		if list, err := p.List(); err != nil || len(list) != 0 {
			t.Errorf("half a model is listed: %+v, %v", list, err)
		}
		h.times, h.asked = 0, nil
		later := newPuller(t, Config{Dir: p.cfg.Dir, HuggingFace: h.URL})
		change(h, p)
		if _, err := later.Pull(t.Context(), "hf:org/repo"); err != nil {
			t.Error(err)
		}
		if !slices.Equal(h.asked, strings.Split(want, ",")) {
			t.Errorf("asked %q, want %q", h.asked, want)
		}
	}
	f(func(*fakeHub, *Puller) {}, "model.safetensors bytes=300-")
	// ServeContent answers If-Range of another file with the whole.
	f(func(h *fakeHub, _ *Puller) { h.files["model.safetensors"] = strings.Repeat("abcdefghij", 100) }, "model.safetensors bytes=300-")
	f(func(h *fakeHub, _ *Puller) { h.files["model.safetensors"] = "short" }, "model.safetensors bytes=300-")
}

func TestWrongHash(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"model.safetensors", "config.json"} { // by SHA-256, by git's name
		files := repo()
		h := newHub(t, files, "model.safetensors")
		handler := h.Config.Handler
		h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/cdn/"+name {
				_, _ = fmt.Fprint(w, strings.Replace(files[name], "e", "E", 1))
				return
			}
			handler.ServeHTTP(w, r)
		})
		p := newPuller(t, Config{HuggingFace: h.URL})
		if _, err := p.Pull(t.Context(), "hf:org/repo"); err == nil || !strings.Contains(err.Error(), "not what was announced") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFailures wants errors that say who answered what, and no retries of what is final.
func TestFailures(t *testing.T) {
	t.Parallel()
	var asked int
	status := http.StatusNotFound
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(status)
	}))
	defer srv.Close()
	p := newPuller(t, Config{HuggingFace: srv.URL})
	f := func(code, tries int, want string) {
		t.Helper()
		status, asked = code, 0
		_, err := p.Pull(t.Context(), "hf:org/repo")
		if err == nil || !strings.Contains(err.Error(), want) || asked != tries {
			t.Errorf("%d: %v after %d requests, want %q after %d", code, err, asked, want, tries)
		}
	}
	f(404, 1, "404 Not Found")
	f(401, 1, "HF_TOKEN")
	f(500, attempts, "500 Internal Server Error")
	srv.Close()
	if _, err := p.Pull(t.Context(), "hf:org/repo"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody listens: %v", err)
	}
}

// TestSilence has a server that stops sending.
func TestSilence(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = fmt.Fprint(w, "some")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer srv.Close()
	p := newPuller(t, Config{})
	p.stall = 20 * time.Millisecond
	if _, err := p.Pull(t.Context(), srv.URL+"/model.safetensors"); err == nil {
		t.Error("a file that never comes is there")
	}
}

// TestTogether has several pullers want the same model: one fetches it.
func TestTogether(t *testing.T) {
	t.Parallel()
	h := newHub(t, repo(), "model.safetensors")
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := newPuller(t, Config{Dir: dir, HuggingFace: h.URL}).Pull(t.Context(), "hf:org/repo"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(h.asked) != 6 { // its files
		t.Errorf("asked %v", h.asked)
	}
}
