package auth

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
)

// The example of "Transferring payload in multiple chunks" in AWS's S3 API reference.
func exampleVerifier(t *testing.T) *Verifier {
	t.Helper()
	v, err := New(Config{
		Keys: exampleKeys{}, Regions: []string{"us-east-1"},
		Now: func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type exampleKeys struct{}

func (exampleKeys) AccessKey(id string) *Credential {
	if id != "AKIAIOSFODNN7EXAMPLE" {
		return nil
	}
	return &Credential{ID: id, Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Principal: call.Principal{Account: "123456789012"}}
}

func (exampleKeys) APIKey(string) *Credential { return nil }

func exampleRequest() *http.Request {
	return &http.Request{
		Method: http.MethodPut, Host: "s3.amazonaws.com", RequestURI: "/examplebucket/chunkObject.txt", ContentLength: 66824,
		Header: http.Header{
			"X-Amz-Date": {"20130524T000000Z"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"},
			"X-Amz-Content-Sha256": {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, "Content-Encoding": {"aws-chunked"},
			"X-Amz-Decoded-Content-Length": {"66560"}, "Content-Length": {"66824"},
			"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
				"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class," +
				"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"},
		},
	}
}

func TestPayloadChunks(t *testing.T) {
	t.Parallel()
	v := exampleVerifier(t)
	id, err := v.Verify(Request{HTTP: exampleRequest(), Service: "s3", Deferred: true})
	if err != nil {
		t.Fatal(err)
	}
	p := id.Payload
	if p == nil || !p.Chunked || !p.Signed || p.Trailer || p.Hash != "" {
		t.Fatalf("got %+v", p)
	}
	a := make([]byte, 65536)
	for i := range a {
		a[i] = 'a'
	}
	for i, c := range []struct {
		data      []byte
		signature string
	}{
		{a, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"},
		{a[:1024], "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"},
		{nil, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
	} {
		if err := p.VerifyChunk(sha256.Sum256(c.data), c.signature); err != nil {
			t.Fatalf("chunk %d: %v", i, err)
		}
	}
	if err := p.VerifyChunk(sha256.Sum256(nil), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"); err == nil {
		t.Error("a chunk was taken twice")
	}
}

// TestPayloadForms: who doesn't read the body later takes no streaming form; who does
// learns what was promised.
func TestPayloadForms(t *testing.T) {
	t.Parallel()
	v := exampleVerifier(t)
	if _, err := v.Verify(Request{HTTP: exampleRequest(), Service: "s3"}); err == nil {
		t.Error("a streaming form was taken by a caller that doesn't say that it reads it")
	}
	for line, want := range map[string]Payload{
		"":                                       {},
		unsignedPayload:                          {},
		signedChunks:                             {Chunked: true, Signed: true},
		signedChunksTrailer:                      {Chunked: true, Signed: true, Trailer: true},
		unsignedTrailer:                          {Chunked: true, Trailer: true},
		"ABCDEF" + emptyPayload[6:]:              {Hash: "abcdef" + emptyPayload[6:]},
		"STREAMING-AWS4-ECDSA-P256-SHA256-FORMS": {Hash: "refused"},
		"nonsense":                               {Hash: "refused"},
	} {
		s := signed{http: exampleRequest(), sig: &signature{payload: line, presigned: line == ""}, service: serviceS3}
		p, err := deferredPayload(&s)
		if (err != nil) != (want.Hash == "refused") {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if err == nil && (p.Hash != want.Hash || p.Chunked != want.Chunked || p.Signed != want.Signed || p.Trailer != want.Trailer) {
			t.Errorf("%q: got %+v, want %+v", line, p, want)
		}
	}
}

// TestPresignedV2 verifies the URL of AWS's documentation of Signature Version 2, and no
// other.
func TestPresignedV2(t *testing.T) {
	t.Parallel()
	v, err := New(Config{Keys: exampleKeys{}, Now: func() time.Time { return time.Unix(1175139000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	const good = "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"
	verify := func(method, target, host string, edit func(*http.Request)) error {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: method, URL: u, RequestURI: target, Header: http.Header{}}
		if edit != nil {
			edit(r)
		}
		_, err = v.Verify(Request{HTTP: r, Service: "s3", Deferred: true, HostBucket: host})
		return err
	}
	if err := verify("GET", good, "johnsmith", nil); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another bucket":    verify("GET", good, "johnsmyth", nil),
		"another method":    verify("PUT", good, "johnsmith", nil),
		"another key":       verify("GET", "/x"+good, "johnsmith", nil),
		"a later end":       verify("GET", good+"1", "johnsmith", nil),
		"a subresource":     verify("GET", good+"&acl", "johnsmith", nil),
		"an amz header":     verify("GET", good, "johnsmith", func(r *http.Request) { r.Header.Set("X-Amz-Acl", "x") }),
		"an amz parameter":  verify("GET", good+"&x-amz-acl=x", "johnsmith", nil),
		"a content type":    verify("GET", good, "johnsmith", func(r *http.Request) { r.Header.Set("Content-Type", "x") }),
		"a repeated expiry": verify("GET", good+"&Expires=1", "johnsmith", nil),
		"an empty expiry":   verify("GET", "/?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x&Expires=", "", nil),
		"an unknown key":    verify("GET", "/?AWSAccessKeyId=x&Signature=x&Expires=1175139620", "", nil),
	} {
		if err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
	v.now = func() time.Time { return time.Unix(1175139621, 0) }
	if err := verify("GET", good, "johnsmith", nil); err == nil {
		t.Error("it was taken after its end")
	}
}
