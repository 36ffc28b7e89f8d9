package iam

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
	"github.com/outcrop-ai/outcrop/internal/fault"
)

const account = "123456789012"

// childEnv makes the test binary a process that opens a store, for those tests that
// start and kill such processes: "folder url".
const childEnv = "OUTCROP_IAM_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir, url, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		child(dir, url)
		return
	}
	goleak.VerifyTestMain(m)
}

func child(dir, url string) {
	ctx := context.Background()
	d, err := db.Open(ctx, url)
	if err == nil {
		_, err = Open(ctx, Config{DB: d, Dir: dir, Account: account})
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

// fixture is a data folder and a database, to open stores on.
type fixture struct{ dir, url string }

func each(t *testing.T, test func(t *testing.T, f fixture)) {
	t.Helper()
	dbtest.EachURL(t, func(t *testing.T, url string) { test(t, fixture{t.TempDir(), url}) })
}

func (f fixture) open(t *testing.T, change ...func(*Config)) *Store {
	t.Helper()
	s, err := f.tryOpen(t, change...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f fixture) tryOpen(t *testing.T, change ...func(*Config)) (*Store, error) {
	t.Helper()
	c := Config{DB: dbtest.Open(t, f.url), Dir: f.dir, Account: account}
	for _, g := range change {
		g(&c)
	}
	return Open(t.Context(), c)
}

func root(t *testing.T, f fixture) Credentials {
	t.Helper()
	c, err := ReadCredentials(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFirstStartMakesRoot(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		if _, err := ReadCredentials(f.dir); !fault.Is(err, fault.NotFound) {
			t.Errorf("before the first start: got %v", err)
		}
		s := f.open(t)
		c := root(t, f)
		if len(c.AccessKeyID) != 20 || !strings.HasPrefix(c.AccessKeyID, "AKIA") || len(c.SecretAccessKey) != 40 || c.Version != 1 {
			t.Errorf("odd key %+v", c)
		}
		cred := s.AccessKey(c.AccessKeyID)
		if cred == nil || cred.Secret != c.SecretAccessKey {
			t.Fatalf("the root key in the file does not open the store: %+v", cred)
		}
		p := cred.Principal
		if p.ARN != "arn:aws:iam::123456789012:root" || p.UserID != account || p.Account != account || !p.Root || p.AccessKeyID != c.AccessKeyID {
			t.Errorf("got principal %+v", p)
		}
		for _, name := range []string{credentialsFile, masterKeyFile} {
			info, err := os.Stat(filepath.Join(f.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %o", name, info.Mode().Perm())
			}
		}
		f.open(t)
		if again := root(t, f); again != c {
			t.Error("the second start made another key")
		}
		onlyTheseFiles(t, f)
	})
}

func onlyTheseFiles(t *testing.T, f fixture) {
	t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != credentialsFile && e.Name() != masterKeyFile {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestCredentialsAreRepaired(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		f.open(t)
		want := root(t, f)
		path := filepath.Join(f.dir, credentialsFile)
		for _, damage := range []func() error{
			func() error { return os.Remove(path) },
			func() error { return os.WriteFile(path, nil, 0o600) },
			func() error { return os.WriteFile(path, []byte(`{"AccessKeyId":"AKIA`), 0o600) },
			func() error { return os.WriteFile(path, []byte(`{"AccessKeyId":"x","SecretAccessKey":"y"}`), 0o600) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			f.open(t)
			if got := root(t, f); got != want {
				t.Errorf("got %+v, want the same key again", got)
			}
		}
	})
}

func TestMasterKeyMustFit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		s := f.open(t)
		path := filepath.Join(f.dir, masterKeyFile)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what, want string, change ...func(*Config)) {
			t.Helper()
			if _, err := f.tryOpen(t, change...); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", what, err, want)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		refused("missing", "copy it from the data folder")
		if _, err := os.Stat(path); err == nil {
			t.Error("a master key that opens nothing was made")
		}
		if err := os.WriteFile(path, []byte(strings.Repeat("00", 32)), 0o600); err != nil {
			t.Fatal(err)
		}
		refused("another", "another master key")
		if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
			t.Fatal(err)
		}
		refused("damaged", "32 bytes in hex")
		refused("given, another", "another master key", func(c *Config) { c.MasterKey = make([]byte, 32) })
		refused("given, short", "want 32", func(c *Config) { c.MasterKey = make([]byte, 5) })
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		if f.open(t).AccessKey(root(t, f).AccessKeyID).Secret != s.AccessKey(root(t, f).AccessKeyID).Secret {
			t.Error("the secret changed")
		}
	})
}

func TestCreateListRevoke(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		ctx := t.Context()
		s := f.open(t)
		expires := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		ci, err := s.Create(ctx, NewKey{Name: "ci", Kind: SigV4, Actions: []string{"bedrock:*"}, Expires: expires})
		if err != nil {
			t.Fatal(err)
		}
		app, err := s.Create(ctx, NewKey{Name: "app", Kind: Bearer, Actions: []string{"bedrock:InvokeModel"}, Resources: []string{"arn:aws:bedrock:*::foundation-model/*"}})
		if err != nil {
			t.Fatal(err)
		}
		cred := s.AccessKey(ci.ID)
		if cred == nil || cred.Secret != ci.Secret || !cred.Expires.Equal(expires) || cred.Principal.Root {
			t.Fatalf("got %+v", cred)
		}
		if cred.Principal.ARN != "arn:aws:iam::123456789012:user/ci" || !strings.HasPrefix(cred.Principal.UserID, "AIDA") || len(cred.Principal.UserID) != 21 {
			t.Errorf("got principal %+v", cred.Principal)
		}
		text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(app.Secret, "ABSK"))
		if err != nil || !strings.HasPrefix(app.Secret, "ABSKQmVkcm9ja0FQSUtleS") || !strings.Contains(string(text), "-at-"+account+":") {
			t.Errorf("the token %q is not in the form of Bedrock's: %q, %v", app.Secret, text, err)
		}
		if got := s.APIKey(app.Secret); got == nil || got.ID != app.ID {
			t.Errorf("the token finds %+v", got)
		}
		if s.AccessKey(app.ID) != nil || s.APIKey(ci.Secret) != nil || s.APIKey("") != nil || s.AccessKey("") != nil {
			t.Error("a key of one kind was taken for the other")
		}
		keys, err := s.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		names := func(keys []Key) (n []string) {
			for _, k := range keys {
				n = append(n, k.Name+" "+k.Status(time.Now()))
			}
			slices.Sort(n)
			return n
		}
		if diff := cmp.Diff(names(keys), []string{"app active", "ci active", "root active"}); diff != "" {
			t.Errorf("list (-got +want):\n%s", diff)
		}
		if i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == "app" }); !cmp.Equal(keys[i], app.Key) {
			t.Errorf("list has %+v, created %+v", keys[i], app.Key)
		}
		if _, err := s.Revoke(ctx, "ci"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Revoke(ctx, app.ID); err != nil {
			t.Fatal(err)
		}
		if s.AccessKey(ci.ID) != nil || s.APIKey(app.Secret) != nil {
			t.Error("a revoked key is still good")
		}
		if _, err := s.Revoke(ctx, "ci"); !fault.Is(err, fault.NotFound) {
			t.Errorf("revoked twice: got %v", err)
		}
		if _, err := s.Create(ctx, NewKey{Name: "ci", Kind: SigV4, Actions: []string{"bedrock:*"}}); err != nil {
			t.Errorf("the name of a revoked key: %v", err)
		}
		keys, _ = s.List(ctx)
		if diff := cmp.Diff(names(keys), []string{"app revoked", "ci active", "ci revoked", "root active"}); diff != "" {
			t.Errorf("list (-got +want):\n%s", diff)
		}
	})
}

// Neither the secrets nor the tokens can be read from the database.
func TestSecretsAreNotStoredInClear(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		s := f.open(t)
		c, err := s.Create(t.Context(), NewKey{Name: "app", Kind: Bearer, Actions: []string{"bedrock:*"}})
		if err != nil {
			t.Fatal(err)
		}
		secrets, err := db.All(t.Context(), s.cfg.DB, db.Value[string], `SELECT secret FROM iam_key`)
		if err != nil || len(secrets) != 2 {
			t.Fatal(secrets, err)
		}
		for _, stored := range secrets {
			decoded, _ := base64.StdEncoding.DecodeString(stored)
			for _, secret := range []string{c.Secret, root(t, f).SecretAccessKey} {
				if strings.Contains(stored, secret) || strings.Contains(string(decoded), secret) {
					t.Error("a secret is stored in clear")
				}
			}
		}
		// A sealed secret moved to another row opens nothing.
		if _, err := s.cfg.DB.Exec(t.Context(), `UPDATE iam_key SET id = 'AKIAANOTHER' WHERE kind = 'root'`); err != nil {
			t.Fatal(err)
		}
		if _, err := f.tryOpen(t); err == nil {
			t.Error("a secret was opened under another ID")
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		s := f.open(t)
		good := NewKey{Name: "x", Kind: SigV4, Actions: []string{"bedrock:*"}}
		refuse := func(want fault.Kind, text string, change func(*NewKey)) {
			t.Helper()
			n := good
			change(&n)
			_, err := s.Create(t.Context(), n)
			if !fault.Is(err, want) || !strings.Contains(err.Error(), text) {
				t.Errorf("got %v (%s), want %s: …%s…", err, fault.KindOf(err), want, text)
			}
		}
		refuse(fault.Invalid, "name", func(n *NewKey) { n.Name = "" })
		refuse(fault.Invalid, "name", func(n *NewKey) { n.Name = "a/b" })
		refuse(fault.Invalid, "name", func(n *NewKey) { n.Name = strings.Repeat("a", 65) })
		refuse(fault.Invalid, "root", func(n *NewKey) { n.Name = "root" })
		refuse(fault.Invalid, "kind", func(n *NewKey) { n.Kind = "" })
		refuse(fault.Invalid, "kind", func(n *NewKey) { n.Kind = Root })
		refuse(fault.Invalid, "at least one action", func(n *NewKey) { n.Actions = nil })
		refuse(fault.Invalid, "prefaced by a vendor", func(n *NewKey) { n.Actions = []string{"InvokeModel"} })
		refuse(fault.Invalid, "ARN format", func(n *NewKey) { n.Resources = []string{"claude"} })
		refuse(fault.Invalid, "not in the future", func(n *NewKey) { n.Expires = time.Now().Add(-time.Second) })
		if _, err := s.Create(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		refuse(fault.Conflict, "exists already", func(*NewKey) {})
	})
}

func TestRevokingRootReplacesIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		s := f.open(t)
		old := root(t, f)
		if _, err := s.Revoke(t.Context(), "root"); err != nil {
			t.Fatal(err)
		}
		fresh := root(t, f)
		if fresh.AccessKeyID == old.AccessKeyID || s.AccessKey(old.AccessKeyID) != nil {
			t.Error("the old root key is still good")
		}
		if c := s.AccessKey(fresh.AccessKeyID); c == nil || !c.Principal.Root || c.Secret != fresh.SecretAccessKey {
			t.Errorf("the new root key is not good: %+v", c)
		}
	})
}

// A running server sees what another process does, within its polling time.
func TestChangesOfAnotherProcessAreSeen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		server := f.open(t, func(c *Config) { c.Poll = 5 * time.Millisecond })
		loaded := make(chan struct{}, 100)
		server.reloaded = func() { loaded <- struct{}{} }
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := server.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		defer wg.Wait()
		defer cancel()
		command := f.open(t)
		key, err := command.Create(ctx, NewKey{Name: "app", Kind: SigV4, Actions: []string{"bedrock:*"}})
		if err != nil {
			t.Fatal(err)
		}
		<-loaded
		if server.AccessKey(key.ID) == nil {
			t.Error("the new key is not known")
		}
		if _, err := command.Revoke(ctx, "app"); err != nil {
			t.Fatal(err)
		}
		<-loaded
		if server.AccessKey(key.ID) != nil {
			t.Error("the revoked key is still good")
		}
	})
}

// While the database is away, keys stay known and Run goes on.
func TestRunOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	f := fixture{t.TempDir(), "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
	d, err := db.Open(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Config{DB: d, Dir: f.dir, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.poll(t.Context()); err == nil {
		t.Error("polling a closed database succeeded")
	}
	if s.AccessKey(root(t, f).AccessKeyID) == nil {
		t.Error("the root key was forgotten")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
}

// A damaged row is left out; the others and the server go on.
func TestDamagedRow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		s := f.open(t)
		key, err := s.Create(t.Context(), NewKey{Name: "app", Kind: SigV4, Actions: []string{"bedrock:*"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.cfg.DB.Exec(t.Context(), `UPDATE iam_key SET secret = 'AAAA' WHERE id = ?`, key.ID); err != nil {
			t.Fatal(err)
		}
		again := f.open(t)
		if again.AccessKey(key.ID) != nil {
			t.Error("the damaged key is good")
		}
		if again.AccessKey(root(t, f).AccessKeyID) == nil {
			t.Error("the root key was lost with it")
		}
	})
}

// Servers that start at the same moment agree on one root key and one master key.
func TestConcurrentFirstStarts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		const servers = 4
		commands := make([]*exec.Cmd, servers)
		for i := range commands {
			commands[i] = f.command(t)
			if err := commands[i].Start(); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range commands {
			if err := c.Wait(); err != nil {
				t.Errorf("a server did not start: %v\n%s", err, c.Stderr)
			}
		}
		oneRoot(t, f)
		onlyTheseFiles(t, f)
	})
}

func (f fixture) command(t *testing.T) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+f.dir+" "+f.url)
	c.Stderr = &strings.Builder{}
	return c
}

func oneRoot(t *testing.T, f fixture) {
	t.Helper()
	s := f.open(t)
	keys, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1 || keys[0].Kind != Root || keys[0].ID != root(t, f).AccessKeyID {
		t.Errorf("got %+v, want the one root key %s", keys, root(t, f).AccessKeyID)
	}
	if c := s.AccessKey(root(t, f).AccessKeyID); c == nil || c.Secret != root(t, f).SecretAccessKey {
		t.Error("the file does not hold the root key")
	}
}

// First starts are killed after ever longer times. Whatever one leaves behind, the next
// start works and agrees with it; the same when several are killed on one folder.
func TestKilledFirstStarts(t *testing.T) {
	t.Parallel()
	t.Run("each on a new folder", func(t *testing.T) {
		t.Parallel()
		fresh := func() fixture {
			return fixture{t.TempDir(), "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
		}
		begin := time.Now()
		fresh().kill(t, time.Minute)
		whole := time.Since(begin) // of a start that nobody disturbs
		rounds := 50
		if whole > 100*time.Millisecond { // under the race detector
			rounds = 8
		}
		midway := 0
		for i := range rounds {
			f := fresh()
			f.kill(t, whole*time.Duration(i)/time.Duration(rounds))
			_, noDB := os.Stat(strings.TrimPrefix(f.url, "sqlite:"))
			_, noFile := os.Stat(filepath.Join(f.dir, credentialsFile))
			if noDB == nil && noFile != nil {
				midway++
			}
			oneRoot(t, f)
		}
		t.Logf("a start takes %v; %d of %d were killed between making the database and credentials.json", whole, midway, rounds)
	})
	t.Run("on one folder", func(t *testing.T) {
		t.Parallel()
		each(t, func(t *testing.T, f fixture) {
			for i := range 12 {
				f.kill(t, time.Duration(i)*2*time.Millisecond)
			}
			oneRoot(t, f)
		})
	})
}

// kill starts a server and kills it after a while, unless it ended well before.
func (f fixture) kill(t *testing.T, after time.Duration) {
	t.Helper()
	c := f.command(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	err := c.Wait()
	timer.Stop()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		t.Fatalf("after %v: a start failed by itself: %v\n%s", after, err, c.Stderr)
	}
	if c, err := ReadCredentials(f.dir); err != nil && !fault.Is(err, fault.NotFound) {
		t.Fatalf("after %v: a killed start left half a file: %v %v", after, c, err)
	}
}

// What a killed process wrote beside the files goes away, but not what is being written.
func TestStaleTempsAreRemoved(t *testing.T) {
	t.Parallel()
	f := fixture{t.TempDir(), "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
	stale, fresh := filepath.Join(f.dir, credentialsFile+".tmp1"), filepath.Join(f.dir, masterKeyFile+".tmp2")
	for _, path := range []string{stale, fresh} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	f.open(t)
	if _, err := os.Stat(stale); err == nil {
		t.Error("the stale file is still there")
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("a file that may be in use was removed")
	}
}

// A secret that others can read is told of at each start.
func TestExposedSecretsAreToldOf(t *testing.T) {
	t.Parallel()
	f := fixture{t.TempDir(), "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
	var out strings.Builder
	logging := func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&out, nil)) }
	f.open(t, logging)
	if out.Len() > 0 {
		t.Errorf("logged %q", out.String())
	}
	if err := os.Chmod(filepath.Join(f.dir, masterKeyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	f.open(t, logging)
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, masterKeyFile) {
		t.Errorf("logged %q, want one line about %s", got, masterKeyFile)
	}
}

// The states that a first start passes through, each as a crash would leave it.
func TestHalfwayStates(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f fixture) {
		// The master key is there, the database is empty.
		if _, err := readMasterKey(f.dir, true); err != nil {
			t.Fatal(err)
		}
		oneRoot(t, f)
		// The database knows the master key and has no root key.
		d := dbtest.Open(t, f.url)
		if _, err := d.Exec(t.Context(), `DELETE FROM iam_key`); err != nil {
			t.Fatal(err)
		}
		oneRoot(t, f)
		// The root key is stored and its file was never written.
		want := root(t, f)
		if err := os.Remove(filepath.Join(f.dir, credentialsFile)); err != nil {
			t.Fatal(err)
		}
		oneRoot(t, f)
		if got := root(t, f); got != want {
			t.Errorf("got %+v, want the stored key", got)
		}
	})
}
