package s3

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/auth"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/object"
	"github.com/outcrop-ai/outcrop/internal/object/local"
	"github.com/outcrop-ai/outcrop/internal/object/objecttest"
	"github.com/outcrop-ai/outcrop/internal/object/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey    = "AKIATEST"
	testSecret = "secret"
	account    = "123456789012"
)

// keys holds the tests' callers: one of our account and one of another.
type keys struct{}

func (keys) AccessKey(id string) *auth.Credential {
	of := map[string]string{testKey: account, "AKIAOTHER": "210987654321"}[id]
	if of == "" {
		return nil
	}
	return &auth.Credential{ID: id, Secret: testSecret, Principal: call.Principal{ARN: "arn:aws:iam::" + of + ":root", Account: of, AccessKeyID: id}}
}

func (keys) APIKey(string) *auth.Credential { return nil }

// allow is an authorizer.
type allow func(action, resource string) bool

// newServer serves the endpoint over a store.
func newServer(t *testing.T, s object.Store, may allow) *httptest.Server {
	t.Helper()
	v, err := auth.New(auth.Config{Keys: keys{}, Regions: []string{"us-east-1", "eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	d := New(Config{
		Store: s, Regions: []string{"us-east-1", "eu-west-1"},
		Authenticate: func(r *http.Request, bucket string) (auth.Identity, error) {
			return v.Verify(auth.Request{HTTP: r, Service: "s3", Deferred: true, HostBucket: bucket})
		},
		Authorize: func(_ context.Context, _ call.Principal, action, resource string, _ map[string][]string) error {
			if may != nil && !may(action, resource) {
				return fault.Errorf(fault.Denied, "not authorized to perform: %s on resource: %s", action, resource)
			}
			return nil
		},
	})
	srv := httptest.NewServer(d)
	t.Cleanup(srv.Close)
	return srv
}

func newStore(t *testing.T) *local.Store {
	t.Helper()
	s, err := local.Open(t.Context(), local.Config{Dir: t.TempDir()})
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

// TestThrough has both sides talk to each other: the store that passes on to an S3, and
// the endpoint, over the local store. What the suite asks holds of the three together.
func TestThrough(t *testing.T) {
	t.Parallel()
	objecttest.Run(t, func(t *testing.T) object.Store {
		srv := newServer(t, newStore(t), nil)
		client := srv.Client()
		t.Cleanup(client.CloseIdleConnections)
		s, err := remote.New(remote.Config{Endpoint: srv.URL, AccessKey: testKey, SecretKey: testSecret, HTTP: client})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
