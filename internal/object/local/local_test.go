package local

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/object"
	"github.com/outcrop-ai/outcrop/internal/object/objecttest"
)

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	goleak.VerifyTestMain(m)
}

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	objecttest.Run(t, func(t *testing.T) object.Store {
		s := openStore(t, t.TempDir())
		t.Cleanup(func() { checkFiles(t, s) })
		return s
	})
}
