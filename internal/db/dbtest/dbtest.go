// Package dbtest runs a test on each database that Outcrop supports.
package dbtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/db"
)

// postgresEnv names a PostgreSQL database whose owner may create schemas in it.
// scripts/test-servers.sh starts one.
const postgresEnv = "OUTCROP_TEST_POSTGRES"

// Each runs test as a subtest on an empty SQLite file and in an empty schema of the
// PostgreSQL database that OUTCROP_TEST_POSTGRES names. Without one, the second is
// skipped on a laptop and fails where CI=true.
func Each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, PostgresURL(t)))
	})
}

// EachURL is Each for tests that open and close the database themselves.
func EachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, PostgresURL(t))
	})
}

// Open opens url and closes it when the test ends.
func Open(tb testing.TB, url string) *db.DB {
	tb.Helper()
	d, err := db.Open(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return d
}

// PostgresURL returns the URL of a new, empty schema that is dropped when the test
// ends. See Each for what happens without a server.
func PostgresURL(tb testing.TB) string {
	tb.Helper()
	base := os.Getenv(postgresEnv)
	if base == "" {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("%s is not set: scripts/test-servers.sh start", postgresEnv)
		}
		tb.Skipf("no PostgreSQL: set %s (scripts/test-servers.sh start prints it)", postgresEnv)
	}
	u, err := url.Parse(base)
	if err != nil {
		tb.Fatalf("%s: %v", postgresEnv, err)
	}
	schema := "t_" + strings.ToLower(rand.Text())
	admin, err := db.Open(tb.Context(), base)
	if err != nil {
		tb.Fatalf("%s: %v", postgresEnv, err)
	}
	if _, err := admin.Exec(tb.Context(), "CREATE SCHEMA "+schema); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// The test's own context has ended by now.
		ctx := context.WithoutCancel(tb.Context())
		if _, err := admin.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			tb.Errorf("drop schema: %v", err)
		}
		if err := admin.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
