package pull

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// listing makes a repository's listing of names.
func listing(names ...string) []hubFile {
	var list []hubFile
	for _, n := range names {
		list = append(list, hubFile{Type: "file", Path: n, Size: 1})
	}
	return list
}

// TestChooseGGUF names files, quantisations or nothing in repositories of all sorts.
func TestChooseGGUF(t *testing.T) {
	t.Parallel()
	f := func(file string, want string, names ...string) {
		t.Helper()
		h := &hub{repo: "org/repo", file: file}
		got, err := h.choose(listing(names...))
		var list []string
		for _, g := range got {
			list = append(list, g.Path)
		}
		if said := strings.Join(list, " "); err != nil && (want == "" || !strings.Contains(err.Error(), want)) || err == nil && said != want {
			t.Errorf("%q of %v: %s, %v, want %s", file, names, said, err, want)
		}
	}
	many := []string{"m-Q2_K.gguf", "m-Q4_K_M.gguf", "m-Q4_K_S.gguf", "m-Q8_0.gguf", "README.md"}
	f("", "m-Q4_K_M.gguf", many...)
	f("", "m-Q8_0.gguf", "m-Q2_K.gguf", "m-Q8_0.gguf")
	f("", "m.q4_k_m.gguf", "m.q8_0.gguf", "m.q4_k_m.gguf")
	f("", "Q4_K_M/m.gguf", "Q8_0/m.gguf", "Q4_K_M/m.gguf")
	f("", "one.gguf", "one.gguf", "config.json")
	f("", "m-Q2_K.gguf", "m-Q2_K.gguf", "mmproj-m-f16.gguf", "m.imatrix.gguf")
	f("", "name one, such as hf:org/repo:m-Q2_K.gguf (of m-Q2_K.gguf, m-Q3_K_M.gguf)", "m-Q3_K_M.gguf", "m-Q2_K.gguf")
	f("", "several files of the repository are Q4_K_M", "a-Q4_K_M.gguf", "b-Q4_K_M.gguf")
	f("", "m-IQ4_K_M.gguf, m-Q4_K_Mx.gguf, mQ8_0.gguf", "m-Q4_K_Mx.gguf", "m-IQ4_K_M.gguf", "mQ8_0.gguf")
	f("", "model.safetensors", "model.safetensors", "m-Q4_K_M.gguf", "m-Q8_0.gguf") // as before
	f("", "neither a .safetensors nor a whole .gguf", "m-00001-of-00002.gguf")
	f("", "neither a .safetensors nor a whole .gguf", "pytorch_model.bin")
	f("Q4_K_S", "m-Q4_K_S.gguf", many...)
	f("q8_0", "m-Q8_0.gguf", many...)
	f("Q6_K", "no GGUF file of that quantisation (of m-Q2_K.gguf,", many...)
	f("Q4_K_M", "no file Q4_K_M", "model.safetensors")
	f("m-Q2_K.gguf", "m-Q2_K.gguf", many...)
	f("README.md", "README.md", many...)
	f("nosuch.gguf", "no file nosuch.gguf", many...)
	shards := []string{
		"q8/m-q8_0-00002-of-00003.gguf", "q8/m-q8_0-00001-of-00003.gguf", "q8/m-q8_0-00003-of-00003.gguf",
		"q4/m-q4_k_m-00001-of-00002.gguf", "q4/m-q4_k_m-00002-of-00002.gguf", "q2/m-q2_k-00001-of-00002.gguf",
	}
	f("", "q4/m-q4_k_m-00001-of-00002.gguf q4/m-q4_k_m-00002-of-00002.gguf", shards...)
	f("Q8_0", "q8/m-q8_0-00001-of-00003.gguf q8/m-q8_0-00002-of-00003.gguf q8/m-q8_0-00003-of-00003.gguf", shards...)
	f("q8/m-q8_0-00002-of-00003.gguf", "q8/m-q8_0-00001-of-00003.gguf q8/m-q8_0-00002-of-00003.gguf q8/m-q8_0-00003-of-00003.gguf", shards...)
	f("q2/m-q2_k-00001-of-00002.gguf", "no file q2/m-q2_k-00002-of-00002.gguf", shards...)
}

// TestPullShards fetches a model in shards, by a quantisation.
func TestPullShards(t *testing.T) {
	t.Parallel()
	h := newHub(t, map[string]string{
		"x/m-Q8_0-00001-of-00002.gguf": "GGUF1", "x/m-Q8_0-00002-of-00002.gguf": "GGUF2", "m-Q4_0.gguf": "GGUF3",
	}, "x/m-Q8_0-00001-of-00002.gguf")
	p := newPuller(t, Config{HuggingFace: h.URL})
	m, err := p.Pull(t.Context(), "hf:org/repo:Q8_0")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 2 || m.Weights() != filepath.Join(m.Path, "x", "m-Q8_0-00001-of-00002.gguf") {
		t.Errorf("files %+v, weights %s", m.Files, m.Weights())
	}
	again, err := p.Find("hf:org/repo:Q8_0")
	if err != nil || again.Weights() != m.Weights() {
		t.Errorf("%+v, %v", again, err)
	}
	if m, err := p.Pull(t.Context(), "hf:org/repo"); err != nil || filepath.Base(m.Weights()) != "m-Q8_0-00001-of-00002.gguf" {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestInPlace uses GGUF files where they are.
func TestInPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("GGUF and more"), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := put("one/m.gguf")
	put("one/notes.txt")
	first, second := put("two [x]/m-00001-of-00002.gguf"), put("two [x]/m-00002-of-00002.gguf")
	lonely := put("three/m-00001-of-00002.gguf")
	put("four/a.gguf")
	put("four/b.gguf")
	checkpoint := put("five/stories.bin")
	put("six/model.safetensors")
	put("six/1_Pooling/config.json")
	put("six/onnx/deep/config.json")
	put("six/config.json")
	p := newPuller(t, Config{Offline: true})
	f := func(ref, weights string, files int) {
		t.Helper()
		m, err := p.Pull(t.Context(), ref)
		if err != nil || m.Weights() != weights || len(m.Files) != files || m.Size() != int64(13*files) || m.Name != ref {
			t.Errorf("%s: %+v, %v", ref, m, err)
		}
		if found, err := p.Find(ref); err != nil || found.Weights() != weights {
			t.Errorf("%s is not found: %+v, %v", ref, found, err)
		}
	}
	f(one, one, 1)
	f(filepath.Dir(one), one, 1)
	f(first, first, 2)
	f(second, first, 2)
	f(filepath.Dir(first), first, 2)
	f(filepath.Join(dir, "four"), filepath.Join(dir, "four"), 2) // package weights asks which
	if _, err := p.Pull(t.Context(), lonely); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "m-00002-of-00002.gguf") {
		t.Errorf("half a model: %v", err)
	}
	f(filepath.Join(dir, "six"), filepath.Join(dir, "six"), 3)
	f(checkpoint, checkpoint, 1)
	if list, err := p.List(); err != nil || len(list) != 0 {
		t.Errorf("the list is of the folder of models: %+v, %v", list, err)
	}
	if _, err := p.Pull(t.Context(), filepath.Join(dir, "nosuch.gguf")); err == nil || !strings.Contains(err.Error(), "there is no file or folder") {
		t.Errorf("no file: %v", err)
	}
}

// ollama makes a folder of Ollama's and returns a function that adds models to it.
func ollama(t *testing.T) (dir string, add func(manifest string, layers map[string]string) (blobs []string)) {
	t.Helper()
	dir = t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	add = func(manifest string, layers map[string]string) (blobs []string) {
		t.Helper()
		var m ollamaManifest
		for kind, text := range layers {
			m.Layers = append(m.Layers, ollamaBlob{MediaType: ollamaLayer + kind, Digest: "sha256:" + sumOf(text), Size: int64(len(text))})
			blobs = append(blobs, filepath.Join(dir, "blobs", "sha256-"+sumOf(text)))
			write("blobs/sha256-"+sumOf(text), text)
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		write("manifests/"+manifest, string(text))
		return blobs
	}
	return dir, add
}

func TestOllama(t *testing.T) {
	t.Parallel()
	dir, add := ollama(t)
	other, addOther := ollama(t)
	weights := add("registry.ollama.ai/library/llama3.2/1b", map[string]string{"model": "GGUF weights"})[0]
	add("registry.ollama.ai/library/llama3.2/latest", map[string]string{"model": "GGUF weights", "license": "\n  SOME   LICENSE  \n\ntext", "template": "{{ .Prompt }}"})
	add("registry.ollama.ai/someone/tuned/latest", map[string]string{"model": "GGUF tuned"})
	add("hf.co/bartowski/Llama-GGUF/Q4_K_M", map[string]string{"model": "GGUF hub"})
	addOther("registry.ollama.ai/library/llama3.2/1b", map[string]string{"model": "GGUF of another"})
	addOther("registry.ollama.ai/library/qwen3/latest", map[string]string{"model": "GGUF qwen"})
	add("registry.ollama.ai/library/adapted/latest", map[string]string{"model": "GGUF base", "adapter": "GGLA"})
	add("registry.ollama.ai/library/cloud/latest", nil)
	add("registry.ollama.ai/library/odd/latest", map[string]string{"model": "no such format"})
	gone := add("registry.ollama.ai/library/gone/latest", map[string]string{"model": "GGUF gone"})[0]
	short := add("registry.ollama.ai/library/short/latest", map[string]string{"model": "GGUF short"})[0]
	if err := errors.Join(os.Remove(gone), os.Truncate(short, 5), os.WriteFile(filepath.Join(dir, "manifests", "stray"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	p := newPuller(t, Config{Offline: true, Ollama: []string{filepath.Join(dir, "absent"), dir, other}})
	f := func(ref, name, file, license string) {
		t.Helper()
		m, err := p.Pull(t.Context(), ref)
		if err != nil || m.Name != name || m.Weights() != file || m.License != license || len(m.Files) != 1 || m.Path != filepath.Dir(file) {
			t.Errorf("%s: %+v (%s), %v", ref, m, m.Weights(), err)
		}
	}
	f("ollama:llama3.2:1b", "ollama:llama3.2:1b", weights, "")
	f("ollama:llama3.2", "ollama:llama3.2:latest", weights, "SOME LICENSE")
	f("ollama:library/llama3.2", "ollama:llama3.2:latest", weights, "SOME LICENSE")
	f("ollama:someone/tuned", "ollama:someone/tuned:latest", filepath.Join(dir, "blobs", "sha256-"+sumOf("GGUF tuned")), "")
	f("ollama:hf.co/bartowski/Llama-GGUF:Q4_K_M", "ollama:hf.co/bartowski/Llama-GGUF:Q4_K_M", filepath.Join(dir, "blobs", "sha256-"+sumOf("GGUF hub")), "")
	f("ollama:qwen3", "ollama:qwen3:latest", filepath.Join(other, "blobs", "sha256-"+sumOf("GGUF qwen")), "")
	g := func(ref, want string) {
		t.Helper()
		if _, err := p.Pull(t.Context(), ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", ref, err, want)
		}
	}
	g("ollama:nosuch", "Ollama has no model nosuch:latest here (looked in "+dir)
	g("ollama:adapted", "adapter")
	g("ollama:cloud", "no GGUF file")
	g("ollama:odd", "is no GGUF file")
	g("ollama:gone", "has no model gone")
	g("ollama:short", "5 bytes of 10")
	for _, bad := range []string{"", "..", "a/../b", "a//b", "a/b/c/d", "a:b:c", "a:", "a b", "../../etc/passwd", "a:../x"} {
		g("ollama:"+bad, "no model of Ollama")
	}
	list, err := p.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list {
		got = append(got, m.Name+" "+m.Source)
	}
	want := []string{
		"ollama:hf.co/bartowski/Llama-GGUF:Q4_K_M Ollama: " + dir,
		"ollama:llama3.2:1b Ollama: " + dir,
		"ollama:llama3.2:latest Ollama: " + dir,
		"ollama:qwen3:latest Ollama: " + other,
		"ollama:someone/tuned:latest Ollama: " + dir,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list %q, want %q", got, want)
	}
	if after := tree(t, dir); !slices.Equal(after, before) {
		t.Errorf("the folder of Ollama changed: %v, before %v", after, before)
	}
}

// tree describes all files below a folder.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		list = append(list, fmt.Sprint(path, info.Size(), info.ModTime(), info.Mode()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestOllamaHostile has manifests that nobody should follow.
func TestOllamaHostile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "manifests", ollamaHost, ollamaNamespace, "m", "latest")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	p := newPuller(t, Config{Ollama: []string{dir}})
	f := func(text, want string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Find("ollama:m"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", text, err, want)
		}
	}
	f("", "the manifest")
	f("[]", "the manifest")
	f("{}", "no GGUF file")
	f(`{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:../../../etc/passwd"}]}`, "the digest")
	f(`{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":""}]}`, "the digest")
	f(`{"layers":[`+strings.Repeat(`{"mediaType":"x"},`, maxManifest/16)+`{}]}`, "more than")
}

func TestOllamaDirs(t *testing.T) {
	t.Parallel()
	env := map[string]string{"HOME": "/home/me"}
	get := func(k string) string { return env[k] }
	if got, want := ollamaDirs(get), []string{"/home/me/.ollama/models", "/usr/share/ollama/.ollama/models"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	env["OLLAMA_MODELS"] = "/big/disk"
	if got := ollamaDirs(get); !slices.Equal(got, []string{"/big/disk"}) {
		t.Errorf("%v", got)
	}
}

// TestCuratedReferences reads what the curated list says.
func TestCuratedReferences(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range Models() {
		r, err := parse(c.Name)
		if err != nil || len(r.sources) == 0 || r.name != c.Name || r.folder != c.Name {
			t.Errorf("%s: %+v, %v", c.Name, r, err)
			continue
		}
		h, ok := r.sources[len(r.sources)-1].(*hub)
		if !ok || h.file != "" && !quantTag.MatchString(h.file) || c.License == "" || c.What == "" || seen[c.Name] || !safeName(c.Name) {
			t.Errorf("%s: %+v", c.Name, c)
		}
		seen[c.Name] = true
	}
}

// TestSweep removes what was left of pulls long ago, and nothing that somebody may go
// on with.
func TestSweep(t *testing.T) {
	t.Parallel()
	p := newPuller(t, Config{Offline: true})
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	put := func(name string, when time.Time) string {
		t.Helper()
		dir := filepath.Join(p.cfg.Dir, ".partial", name)
		file := filepath.Join(dir, "sub", "model.safetensors.part")
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("half"), 0o600)); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{file, filepath.Dir(file), dir} {
			if err := os.Chtimes(f, when, when); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	old, young := put("aaaa-1", ago(8*24*time.Hour)), put("bbbb-1", ago(6*24*time.Hour))
	busy := put("cccc-1", ago(100*24*time.Hour))
	if err := os.MkdirAll(filepath.Join(p.cfg.Dir, ".lock"), 0o755); err != nil {
		t.Fatal(err)
	}
	unlock := p.tryLock("cccc")
	if unlock == nil || p.tryLock("cccc") != nil {
		t.Fatal("the lock is not one")
	}
	zip := filepath.Join(t.TempDir(), "m.zip")
	if err := os.WriteFile(zip, archive(t, model("m/")...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Pull(t.Context(), zip); err != nil { // whatever is pulled
		t.Fatal(err)
	}
	there := func(dir string) bool { _, err := os.Stat(dir); return err == nil }
	if there(old) || !there(young) || !there(busy) {
		t.Errorf("old %t, young %t, busy %t", there(old), there(young), there(busy))
	}
	unlock()
	p.sweep()
	if there(busy) || !there(young) {
		t.Errorf("later: busy %t, young %t", there(busy), there(young))
	}
}
