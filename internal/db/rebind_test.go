package db

import (
	"strings"
	"testing"
)

func TestRebind(t *testing.T) {
	t.Parallel()
	f := func(in, want string) {
		t.Helper()
		if got := rebind(in); got != want {
			t.Errorf("rebind(%q)\n got %q\nwant %q", in, got, want)
		}
	}
	f("SELECT 1", "SELECT 1")
	f("SELECT ?, ?", "SELECT $1, $2")
	f("?", "$1")
	f("SELECT '?', ?", "SELECT '?', $1")
	f("SELECT 'it''s ?', ?", "SELECT 'it''s ?', $1")
	f(`SELECT "a?b", ?`, `SELECT "a?b", $1`)
	f(`SELECT "a""?", ?`, `SELECT "a""?", $1`)
	f("SELECT ? -- really?\n, ?", "SELECT $1 -- really?\n, $2")
	f("SELECT ? -- ends?", "SELECT $1 -- ends?")
	f("SELECT /* ? /* ? */ ? */ ?", "SELECT /* ? /* ? */ ? */ $1")
	f("SELECT a-?, b/?", "SELECT a-$1, b/$2")
	f("SELECT $$ ? $$, ?", "SELECT $$ ? $$, $1")
	f("SELECT $x_1$ ? $$ ? $x_1$, ?", "SELECT $x_1$ ? $$ ? $x_1$, $1")
	f("SELECT $1, ?", "SELECT $1, $1") // mixing both is the caller's mistake
	f(`SELECT E'\'?', ?`, `SELECT E'\'?', $1`)
	f(`SELECT SOME'\', ?`, `SELECT SOME'\', $1`) // not an E string: the backslash is plain
	f("SELECT 'open ?", "SELECT 'open ?")
	f("SELECT /* open ?", "SELECT /* open ?")
	f("SELECT $a$ open ?", "SELECT $a$ open ?")
	f(strings.Repeat("?", 11), "$1$2$3$4$5$6$7$8$9$10$11")
}

func FuzzRebind(f *testing.F) {
	for _, s := range []string{"SELECT ?, '?', \"?\" -- ?\n/* ? */ $$?$$", `E'\'?`, "/*/**/?", "$?$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, q string) {
		got := rebind(q)
		if strings.Count(q, "?") == 0 && got != q {
			t.Errorf("rebind changed %q to %q", q, got)
		}
		if again := rebind(got); !strings.Contains(q, "$") && !strings.ContainsAny(q, `'"`) && again != got {
			t.Errorf("rebind is not stable: %q then %q", got, again)
		}
	})
}
