package server

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/iam"
	"github.com/outcrop-ai/outcrop/internal/object"
	"github.com/outcrop-ai/outcrop/internal/object/remote"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

func objectsAt(t *testing.T, url, key, secret string) *remote.Store {
	t.Helper()
	tr := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(tr.CloseIdleConnections)
	s, err := remote.New(remote.Config{Endpoint: url, AccessKey: key, SecretKey: secret, HTTP: &http.Client{Transport: tr}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestObjects has one server pass objects on to another: a client of the first reads what
// is in the second, and a key may do what its policy says, in the first.
func TestObjects(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	far := start(t)
	creds := far.root
	near := start(t, func(c *config.Config) {
		c.Objects.S3 = &config.S3{Endpoint: "http://" + far.Addr(), AccessKey: creds.AccessKeyID, SecretKey: config.Secret(creds.SecretAccessKey)}
	})
	root := near.root
	s := objectsAt(t, "http://"+near.Addr(), root.AccessKeyID, root.SecretAccessKey)
	if err := s.CreateBucket(ctx, object.Bucket{Name: "bucket"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(ctx, "bucket", "in/k", strings.NewReader("body"), object.PutOptions{Size: 4}); err != nil {
		t.Fatal(err)
	}
	direct := objectsAt(t, "http://"+far.Addr(), creds.AccessKeyID, creds.SecretAccessKey)
	obj, err := direct.Get(ctx, "bucket", "in/k", object.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(obj.Body)
	if err := errors.Join(err, obj.Body.Close()); err != nil || string(body) != "body" {
		t.Errorf("got %q, %v", body, err)
	}

	_, limited := near.key(iam.NewKey{
		Kind: iam.SigV4, Name: "reader", Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::bucket/in/*"},
	})
	reader := objectsAt(t, "http://"+near.Addr(), limited.AccessKeyID, limited.SecretAccessKey)
	if _, err := reader.Head(ctx, "bucket", "in/k"); err != nil {
		t.Errorf("what the policy allows: %v", err)
	}
	_, err = reader.Put(ctx, "bucket", "in/k", strings.NewReader("x"), object.PutOptions{Size: 1})
	if !fault.Is(err, fault.Denied) {
		t.Errorf("writing: got %v, want denied", err)
	}
	if _, err = reader.List(ctx, "bucket", object.ListOptions{}); !fault.Is(err, fault.Denied) {
		t.Errorf("listing: got %v, want denied", err)
	}
}
