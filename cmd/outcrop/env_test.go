package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/iam"
)

// shellVars has a shell evaluate what `outcrop env` printed, and returns what it exports.
func shellVars(t *testing.T, script string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script+"\nenv")
	cmd.Env = []string{"AWS_PROFILE=mine", "AWS_SESSION_TOKEN=old", "AWS_BEARER_TOKEN_BEDROCK=old", "PATH=/usr/bin:/bin"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v:\n%s", err, script)
	}
	vars := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok && strings.HasPrefix(name, "A") {
			vars[name] = value
		}
	}
	return vars
}

// TestEnv has a real shell read the variables.
func TestEnv(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fails(t, 1, "first start of the server", "env", "--data", dir) // no key yet
	ok(t, "key", "list", "--data", dir)                            // makes one
	key, err := iam.ReadCredentials(dir)
	if err != nil {
		t.Fatal(err)
	}
	fails(t, 1, "reachable from other machines", "env", "--data", dir, "--listen", "0.0.0.0:4999")
	fails(t, 1, "mars-1", "env", "--data", dir, "--region", "mars-1")
	if err := os.WriteFile(filepath.Join(dir, "outcrop.yaml"), []byte("listen: 0.0.0.0:4999\ninsecure: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := shellVars(t, ok(t, "env", "--data", dir, "--region", "eu-west-1"))
	const url = "http://127.0.0.1:4999"
	want := map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_BEDROCK_RUNTIME_ENDPOINT": url, "ANTHROPIC_BEDROCK_BASE_URL": url,
		"AWS_ACCESS_KEY_ID": key.AccessKeyID, "AWS_SECRET_ACCESS_KEY": key.SecretAccessKey,
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"} {
		if v, there := got[name]; there {
			t.Errorf("%s is still %q", name, v)
		}
	}
	// With the folder's own configuration, and a listener with TLS.
	folder := testdata(t, map[string]string{"outcrop.yaml": "listen: \"[::]:4888\"\ntls: {cert: c.pem, key: k.pem}\ndefault_region: us-west-2\n"})
	ok(t, "key", "list", "--data", folder)
	got = shellVars(t, ok(t, "env", "--data", folder))
	if got["AWS_ENDPOINT_URL"] != "https://[::1]:4888" || got["AWS_REGION"] != "us-west-2" {
		t.Errorf("by the file: %v", got)
	}
	fails(t, 2, "csh", "env", "--data", dir, "--shell", "csh")
}

// TestQuoting wants every shell to read a value back as it was.
func TestQuoting(t *testing.T) {
	t.Parallel()
	const odd = `it's a "test" \ $HOME ` + "`ls`"
	for shell, want := range map[string]string{
		"sh":         `export X='it'\''s a "test" \ $HOME ` + "`ls`'\n",
		"fish":       `set -gx X 'it\'s a "test" \\ $HOME ` + "`ls`'\n",
		"powershell": `$Env:X = 'it''s a "test" \ $HOME ` + "`ls`'\n",
	} {
		var out strings.Builder
		if err := (&envCmd{Shell: shell}).print(streams{out: &out}, "X", odd); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%s: %q, want %q", shell, out.String(), want)
		}
	}
	var out strings.Builder
	if err := (&envCmd{Shell: "sh"}).print(streams{out: &out}, "AX", odd); err != nil {
		t.Fatal(err)
	}
	if got := shellVars(t, out.String())["AX"]; got != odd {
		t.Errorf("sh reads %q", got)
	}
	for shell, want := range map[string]string{"sh": "unset X\n", "fish": "set -e X\n", "powershell": "Remove-Item Env:X -ErrorAction SilentlyContinue\n"} {
		var out strings.Builder
		_ = (&envCmd{Shell: shell}).print(streams{out: &out}, "X", "") // a builder takes everything
		if out.String() != want {
			t.Errorf("%s: %q, want %q", shell, out.String(), want)
		}
	}
}

// TestReset empties a folder after asking, and only of what is Outcrop's.
func TestReset(t *testing.T) {
	t.Parallel()
	dir := testdata(t, map[string]string{"mine.txt": "mine", "outcrop.yaml": ""})
	if got := ok(t, "reset", "--data", dir); !strings.Contains(got, "Nothing of Outcrop's") {
		t.Errorf("an empty folder: %q", got)
	}
	ok(t, "key", "list", "--data", dir)
	for _, answer := range []string{"", "\n", "no\n", "y\n", "YES\n"} {
		if r := outcrop(t, answer, "reset", "--data", dir); r.code != 1 || !strings.Contains(r.err, "nothing was deleted") || !strings.Contains(r.out, "master.key") {
			t.Errorf("answer %q: %+v", answer, r)
		}
	}
	if _, err := iam.ReadCredentials(dir); err != nil {
		t.Fatalf("after saying no: %v", err)
	}
	if r := outcrop(t, "yes\n", "reset", "--data", dir); r.code != 0 || !strings.Contains(r.out, "Emptied") {
		t.Errorf("answer yes: %+v", r)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("left are %q", left)
	}
	ok(t, "key", "list", "--data", dir)
	ok(t, "reset", "--yes", "--data", dir)
	if _, err := iam.ReadCredentials(dir); err == nil {
		t.Error("the root key outlived --yes")
	}
}
