package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/outcrop-ai/outcrop/internal/api"
	"github.com/outcrop-ai/outcrop/internal/server"
)

var update = flag.Bool("update", false, "write the README's table of what works anew")

// verbs returns every verb of the command line, as its words.
func verbs(t *testing.T) [][]string {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Vars{"version": "x"})
	if err != nil {
		t.Fatal(err)
	}
	var list [][]string
	for _, n := range parser.Model.Leaves(false) {
		var words []string
		for ; n.Parent != nil; n = n.Parent {
			words = append([]string{n.Name}, words...)
		}
		list = append(list, words)
	}
	return list
}

func TestHelp(t *testing.T) {
	t.Parallel()
	all := ok(t, "--help")
	list := verbs(t)
	if len(list) < 12 {
		t.Errorf("verbs: %v", list)
	}
	for _, v := range list {
		if !strings.Contains(all, v[0]) {
			t.Errorf("--help does not list %s", v[0])
		}
		text := ok(t, append(v, "--help")...)
		if !strings.Contains(text, "Usage: outcrop "+strings.Join(v, " ")) {
			t.Errorf("%v --help:\n%s", v, text)
		}
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 120 {
				t.Errorf("%v --help has a line of %d: %s", v, n, line)
			}
		}
		fails(t, 2, "--nonsense", append(v, "--nonsense")...)
	}
	for _, verb := range []string{"serve", "env", "converse", "coverage", "ledger"} {
		if !strings.Contains(ok(t, verb, "--help"), "outcrop "+verb) {
			t.Errorf("%s --help has no example", verb)
		}
	}
	if got := ok(t, "--version"); strings.TrimSpace(got) == "" {
		t.Error("--version says nothing")
	}
	fails(t, 2, "--help", "nosuch")
	fails(t, 2, "--help")
	fails(t, 2, "", "ledger", "-n", "many")
	fails(t, 1, "nowhere.yaml", "models", "--config", "/nowhere.yaml")
}

// TestInterrupted wants the exit code that shells know.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if got := run(ctx, []string{"key", "list", "--data", dir}, streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}); got != 130 {
		t.Errorf("exit code %d", got)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	dir := testdata(t, map[string]string{
		"s.yaml":       "else: {reply: x}",
		"outcrop.yaml": "backends: {lab: {type: scripted, file: s.yaml}}\nmodels: {my.model: {targets: [lab/x], price: {input: 0.25, output: 1}, regions: [eu-west-1]}}\n",
	})
	var line string
	for l := range strings.Lines(ok(t, "models", "--data", dir, "--region", "eu-west-1")) {
		if strings.HasPrefix(l, "my.model ") {
			line = strings.Join(strings.Fields(l), " ")
		}
	}
	if !strings.HasSuffix(line, "lab/x scripted 0.25 1") {
		t.Errorf("my.model: %q", line)
	}
	var list []server.ServedModel
	if err := json.Unmarshal([]byte(ok(t, "models", "--data", dir, "--json")), &list); err != nil || len(list) < 50 {
		t.Errorf("JSON: %d models, %v", len(list), err)
	}
	for _, m := range list {
		if m.ID == "my.model" {
			t.Error("it is listed outside its region")
		}
	}
	fails(t, 1, "mars-1", "models", "--data", dir, "--region", "mars-1")
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/models") {
			t.Errorf("doctor asks for %s", r.URL.Path)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"qwen3","object":"model"}]}`)
	}))
	t.Cleanup(upstream.Close)
	dir := testdata(t, map[string]string{
		"good.yaml":   "backends: {gpu: {type: openai, base_url: " + upstream.URL + "/v1}}\nmodels: {my.model: [gpu/qwen3], my.other: [gpu/llama]}\n",
		"down.yaml":   "backends: {gpu: {type: openai, base_url: \"http://127.0.0.1:1/v1\"}}\nmodels: {my.model: [gpu/qwen3]}\n",
		"bad.yaml":    "listne: 1\n",
		"wrong.yaml":  "account: \"1\"\nmodels: {m: [nobody/x]}\n",
		"script.yaml": "backends: {lab: {type: scripted, file: nosuch.yaml}}\n",
	})
	doctor := func(file string) result {
		t.Helper()
		return outcrop(t, "", "doctor", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--config", filepath.Join(dir, file))
	}
	for _, tc := range []struct {
		file  string
		code  int
		wants []string
	}{
		{"good.yaml", 0, []string{"ok    config", "will be made", "ok    gpu", "qwen3", `does not list a model "llama"`}},
		{"down.yaml", 1, []string{"ok    config", "WRONG gpu", "1 of the checks failed"}},
		{"bad.yaml", 1, []string{"WRONG config", "listne"}},
		{"wrong.yaml", 1, []string{"WRONG config", "account", "nobody"}},
		{"script.yaml", 1, []string{"WRONG backends", "nosuch.yaml"}},
		{"nosuch.yaml", 1, []string{"WRONG config", "nosuch.yaml"}},
	} {
		r := doctor(tc.file)
		if r.code != tc.code {
			t.Errorf("%s: exit code %d, want %d", tc.file, r.code, tc.code)
		}
		for _, want := range tc.wants {
			if !strings.Contains(r.out+r.err, want) {
				t.Errorf("%s: no %q in\n%s%s", tc.file, want, r.out, r.err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("doctor made the data folder")
	}
}

// TestREADME holds the README's table of what works against the command's.
func TestREADME(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../README.md", "<!-- coverage:begin", "<!-- coverage:end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	marker, rest, _ := strings.Cut(rest, "\n")
	got, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no %s … %s", file, begin, end)
	}
	want := ok(t, "coverage", "--markdown")
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s is out of date; run go test ./cmd/outcrop -run TestREADME -update. It has\n%s\nand should have\n%s", file, got, want)
	}
	if err := os.WriteFile(file, []byte(head+begin+marker+"\n"+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	all := ok(t, "coverage")
	for _, want := range []string{"Converse ", "ListGuardrails", "not built", "partial", " done, "} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in the table", want)
		}
	}
	var list []api.Coverage
	if err := json.Unmarshal([]byte(ok(t, "coverage", "--built", "--json")), &list); err != nil || len(list) == 0 {
		t.Fatalf("JSON: %v", err)
	}
	for _, c := range list {
		if c.Status == api.NotBuilt || (c.Status == api.Partial) != (c.Missing != "") {
			t.Errorf("%+v", c)
		}
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	got := ok(t, "demo")
	for _, want := range []string{"Dana Whitfield", "[1] runbook", `get_queue_depth({"queue":"orders-eu"})`, "412", "searchctl rollback", "fidelity=stand-in", "ConverseStream", "us." + demoModel} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestKeysAlone needs no server.
func TestKeysAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := ok(t, "key", "create", "ci", "--data", dir, "--expires-in", "24h")
	if !strings.Contains(got, "export AWS_ACCESS_KEY_ID=") || !strings.Contains(got, "allows bedrock:*") {
		t.Errorf("create:\n%s", got)
	}
	if got := ok(t, "key", "create", "b", "--bearer", "--data", dir); !strings.Contains(got, "export AWS_BEARER_TOKEN_BEDROCK=") {
		t.Errorf("create --bearer:\n%s", got)
	}
	fails(t, 1, "ci", "key", "create", "ci", "--data", dir) // the name is taken
	fails(t, 1, "a b", "key", "create", "a b", "--data", dir)
	fails(t, 1, "nothing", "key", "create", "x", "--allow", "nothing", "--data", dir)
	fails(t, 1, "negative", "key", "create", "x", "--expires-in=-1h", "--data", dir)
	fails(t, 2, "expected", "key", "create", "--data", dir)
	var keys []map[string]any
	if err := json.Unmarshal([]byte(ok(t, "key", "list", "--json", "--data", dir)), &keys); err != nil || len(keys) != 3 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	ok(t, "key", "revoke", "ci", "--data", dir)
	if got := ok(t, "key", "list", "--data", dir); strings.Contains(got, " ci ") && !strings.Contains(got, "revoked") {
		t.Errorf("after revoke:\n%s", got)
	}
	info, err := os.Stat(filepath.Join(dir, "credentials.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("credentials.json: %v, %v", info, err)
	}
	fails(t, 1, "has a server run", "ledger", "--data", dir)
}
