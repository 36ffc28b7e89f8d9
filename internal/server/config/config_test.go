package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestParse(t *testing.T) {
	t.Parallel()
	c, err := Parse([]byte(`
account: "210987654321"
backends:
  gpu: {type: openai, base_url: "http://gpu:8000/v1", timeout: 90s}
  claude: {type: anthropic, api_key: "${KEY}"}
models:
  anthropic.claude-3-5-sonnet-20241022-v2:0: [claude/claude-sonnet, gpu/qwen]
  my.qwen: {targets: [gpu/qwen], price: {input: 0.1, output: "0.4"}, regions: [us-east-1]}
stream_delay: 2ms
pull: never
models_dir: /models
hugging_face: https://mirror.example/hf
log: {level: debug}
`), env(map[string]string{"KEY": "k: {odd}"}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Backends["claude"].APIKey, "k: {odd}"; got != want {
		t.Errorf("api_key = %q, want %q", got, want)
	}
	if got, want := c.Models["anthropic.claude-3-5-sonnet-20241022-v2:0"].Targets, []string{"claude/claude-sonnet", "gpu/qwen"}; !cmp.Equal(got, want) {
		t.Errorf("targets = %v, want %v", got, want)
	}
	if got, want := *c.Models["my.qwen"].Price, (Price{Input: 100_000, Output: 400_000}); got != want {
		t.Errorf("price = %v, want %v", got, want)
	}
	if got, want := c.Backends["gpu"].Timeout.String(), "1m30s"; got != want {
		t.Errorf("timeout = %v, want %v", got, want)
	}
	if got, want := c.Log, (Log{Level: "debug", Format: "text"}); got != want {
		t.Errorf("log = %v, want %v", got, want)
	}
	if c.Pull != "never" || c.ModelsDir != "/models" || c.HuggingFace != "https://mirror.example/hf" {
		t.Errorf("pull %q, models_dir %q, hugging_face %q", c.Pull, c.ModelsDir, c.HuggingFace)
	}
	if !c.StandIns || c.Regions[2] != "eu-west-1" {
		t.Error("defaults are lost where the file is silent")
	}
}

func TestParseEmptyIsDefault(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "\n"} {
		c, err := Parse([]byte(text), env(nil))
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
		}
		if diff := cmp.Diff(Default(), c); diff != "" {
			t.Errorf("Parse(%q) differs from Default: %s", text, diff)
		}
	}
}

// TestProblems wants each mistake named with its key, all at once.
func TestProblems(t *testing.T) {
	t.Parallel()
	f := func(text string, want ...string) {
		t.Helper()
		_, err := Parse([]byte(text), env(nil))
		if err == nil {
			t.Errorf("Parse(%q) is accepted", text)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("Parse(%q) = %v, want it to say %q", text, err, w)
			}
		}
	}
	f("listne: x", "listne", "1:1")
	f("listen: 4550", "host:port")
	f("listen: 0.0.0.0:4550", "reachable from other machines", "tls")
	f("listen: 127.0.0.1:1\ntls: {cert: a.pem}", "tls: needs both")
	f("account: \"12\"\nregions: [mars]", "account:", "regions: \"mars\"", "default_region")
	f("store: mysql://u:secret@h/d", "store:", "mysql://u:xxxxx@h/d")
	f("backends: {embedded: {type: openai, base_url: \"http://x\"}}", "taken by Outcrop's own")
	f("backends: {b: {type: nosuch}}", "nosuch")
	f("backends: {b: {type: openai}}", "base_url")
	f("backends: {b: {type: openai, base_url: \"ftp://x\"}}", "not an http")
	f("backends: {b: {type: anthropic, api_key: \"${NOPE}\"}}", "NOPE is not set")
	f("backends: {b: {type: scripted}}", "backends.b.file")
	f("models: {m: [nowhere/x]}", "\"nowhere\"")
	f("models: {m: [x]}", "not backend/model")
	f("models: {m: {price: {input: cheap}}}", "price")
	f("log: {level: loud}", "log.level")
	f("ledger: {retention_days: 0}", "retention_days")
	f("timeout: soon", "soon")
	f("pull: maybe", "pull: \"maybe\" is neither auto nor never")
	f("hugging_face: mirror\npackage_index: \"ftp://u:secret@h/simple\"", "hugging_face:", "package_index: \"ftp://u:xxxxx@h/simple\"")
	f("objects: far", "neither local nor")
	f("objects: {s3: {endpoint: minio, access_key: k}}", "objects.s3.endpoint:", "objects.s3: needs access_key and secret_key")
	f("objects: {s3: {secret_key: \"${NOPE}\"}}", "NOPE is not set")
	f("objects: {domains: [\"http://x\"]}", "objects.domains")
	f("models_dir: ${NOPE}", "NOPE is not set")
	f(strings.Repeat("[", 20000), "")
}

func TestExampleFileIsTheDefault(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../outcrop.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(text, env(map[string]string{"ANTHROPIC_API_KEY": "k"}))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	c.Data = want.Data // the example shows the usual place
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("what the example sets differs from the defaults (-default +example): %s", diff)
	}
	// Every example that is commented out is valid once it is not.
	var live []string
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "#:"); ok {
			line = rest
		}
		live = append(live, line)
	}
	if _, err := Parse([]byte(strings.Join(live, "")), env(map[string]string{
		"ANTHROPIC_API_KEY": "k", "OUTCROP_MASTER_KEY": strings.Repeat("A", 43) + "=",
		"S3_ACCESS_KEY": "k", "S3_SECRET_KEY": "s",
	})); err != nil {
		t.Errorf("with its examples live: %v", err)
	}
}

func TestMasterKey(t *testing.T) {
	t.Parallel()
	c := Default()
	for _, bad := range []Secret{"x", "AAAA", Secret(strings.Repeat("A", 44))} {
		if c.MasterKey = bad; c.Validate() == nil || strings.Contains(c.Validate().Error(), string(bad)) {
			t.Errorf("%s: %v", string(bad), c.Validate())
		}
	}
	c.MasterKey = Secret(strings.Repeat("A", 43) + "=")
	if key, err := c.MasterKey.Bytes(); err != nil || len(key) != 32 || strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), "AAAA") {
		t.Errorf("%v %v", key, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("listen: 127.0.0.1:1\nmodels: {a: [b/c]}"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = Parse(text, env(nil)) // must not panic
	})
}
