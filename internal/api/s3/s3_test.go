package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/outcrop-ai/outcrop/internal/object"
)

// client sends signed requests to a server.
type client struct {
	t   *testing.T
	srv *httptest.Server
	key string
}

// answer is what came of a request.
type answer struct {
	status int
	code   string // of the error
	body   string
	header http.Header
}

func (c client) do(method, target, body string, headers ...string) answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.srv.URL+target, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if h := req.Header.Get("X-Amz-Content-Sha256"); h != "" {
		hash = h
	}
	req.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	key := c.key
	if key == "" {
		key = testKey
	}
	if err := signer.SignHTTP(c.t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: testSecret}, req, hash, "s3", "us-east-1", time.Now()); err != nil {
		c.t.Fatal(err)
	}
	res, err := c.srv.Client().Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		c.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, body: string(text), header: res.Header}
	var f failure
	if res.StatusCode >= 400 && len(text) > 0 {
		if err := xml.Unmarshal(text, &f); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, target, err, text)
		}
		a.code = f.Code
	}
	return a
}

func newClient(t *testing.T, may allow) (client, object.Store) {
	t.Helper()
	s := newStore(t)
	c := client{t: t, srv: newServer(t, s, may)}
	t.Cleanup(c.srv.Client().CloseIdleConnections)
	if err := s.CreateBucket(t.Context(), object.Bucket{Name: "bucket", Owner: account, Region: "us-east-1"}); err != nil {
		t.Fatal(err)
	}
	return c, s
}

func TestErrors(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	f := func(status int, code, method, target, body string, headers ...string) {
		t.Helper()
		if got := c.do(method, target, body, headers...); got.status != status || got.code != code {
			t.Errorf("%s %s: got %d %s, want %d %s: %s", method, target, got.status, got.code, status, code, got.body)
		}
	}
	f(404, "NoSuchBucket", "GET", "/none", "")
	f(404, "NoSuchKey", "GET", "/bucket/none", "")
	f(404, "NoSuchBucket", "PUT", "/none/k", "x")
	f(400, "InvalidBucketName", "PUT", "/No", "")
	f(405, "MethodNotAllowed", "PATCH", "/bucket/k", "")
	f(501, "NotImplemented", "PUT", "/bucket?policy", "{}")
	f(501, "NotImplemented", "GET", "/bucket/k?acl", "")
	f(501, "NotImplemented", "POST", "/bucket", "form")
	f(501, "NotImplemented", "PUT", "/bucket/k", "x", "X-Amz-Storage-Class", "GLACIER")
	f(501, "NotImplemented", "PUT", "/bucket/k", "x", "X-Amz-Acl", "public-read")
	f(404, "NoSuchVersion", "GET", "/bucket/k?versionId=abc", "")
	f(400, "MalformedXML", "POST", "/bucket?delete", "<Delete>")
	f(400, "MalformedXML", "POST", "/bucket?delete", "<Delete></Delete>")
	f(400, "InvalidTag", "PUT", "/bucket/k", "x", "X-Amz-Tagging", "a=$")
	f(400, "InvalidRequest", "PUT", "/bucket/k", "x", "X-Amz-Checksum-Crc32", "x")
	f(400, "BadDigest", "PUT", "/bucket/k", "x", "X-Amz-Checksum-Crc32", "AAAAAA==")
	f(400, "XAmzContentSHA256Mismatch", "PUT", "/bucket/k", "x", "X-Amz-Content-Sha256", strings.Repeat("0", 64))
	f(400, "InvalidArgument", "GET", "/bucket?max-keys=-1", "")
	f(400, "InvalidArgument", "GET", "/bucket?list-type=2&continuation-token=x", "")
	f(400, "KeyTooLongError", "PUT", "/bucket/"+strings.Repeat("k", 1025), "x")
	f(400, "MetadataTooLarge", "PUT", "/bucket/k", "x", "X-Amz-Meta-A", strings.Repeat("a", 3000))
	f(404, "NoSuchUpload", "PUT", "/bucket/k?partNumber=1&uploadId=x", "x")
	f(400, "InvalidArgument", "PUT", "/bucket/k?partNumber=0&uploadId=x", "x")
	f(400, "InvalidArgument", "PUT", "/bucket/k", "", "X-Amz-Copy-Source", "nowhere")
	f(403, "AccessDenied", "GET", "/bucket", "", "X-Amz-Expected-Bucket-Owner", "210987654321")
	f(501, "NotImplemented", "PUT", "/bucket/k", "x", "X-Amz-Content-Sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")
	if got := c.do("HEAD", "/bucket/none", ""); got.status != 404 || got.body != "" {
		t.Errorf("HEAD: got %d %q", got.status, got.body)
	}
	if got := c.do("GET", "/bucket?list-type=2", ""); !strings.Contains(got.body, "<KeyCount>0</KeyCount>") {
		t.Errorf("refused writes left objects: %s", got.body)
	}
}

func TestUnsignedIsRefused(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.srv.URL+"/bucket", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "<Code>AccessDenied</Code>") {
		t.Errorf("got %d %s %v", res.StatusCode, body, err)
	}
}

func TestOtherAccount(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	if got := c.do("PUT", "/bucket/k", "x"); got.status != http.StatusOK {
		t.Fatal(got)
	}
	other := c
	other.key = "AKIAOTHER"
	for _, r := range []struct{ method, target string }{
		{"GET", "/bucket"}, {"GET", "/bucket/k"}, {"PUT", "/bucket/k"}, {"DELETE", "/bucket/k"}, {"DELETE", "/bucket"}, {"POST", "/bucket/k?uploads"},
	} {
		if got := other.do(r.method, r.target, ""); got.status != http.StatusForbidden || got.code != "AccessDenied" {
			t.Errorf("%s %s: got %d %s", r.method, r.target, got.status, got.code)
		}
	}
	if got := other.do("PUT", "/bucket", ""); got.code != "BucketAlreadyExists" {
		t.Errorf("got %+v", got)
	}
	if got := other.do("GET", "/", ""); strings.Contains(got.body, "<Bucket>") {
		t.Errorf("got %s", got.body)
	}
	if got := other.do("PUT", "/theirs", ""); got.status != http.StatusOK {
		t.Fatal(got)
	}
	if got := other.do("PUT", "/theirs/k", "", "X-Amz-Copy-Source", "bucket/k"); got.code != "AccessDenied" {
		t.Errorf("copying from another account: got %+v", got)
	}
}

// TestPolicies has the authorizer say no to each action in turn.
func TestPolicies(t *testing.T) {
	t.Parallel()
	var no string
	c, s := newClient(t, func(action, resource string) bool { return action+" "+resource != no })
	if _, err := s.Put(t.Context(), "bucket", "k", strings.NewReader("x"), object.PutOptions{Size: 1}); err != nil {
		t.Fatal(err)
	}
	f := func(needs, method, target, body string, headers ...string) {
		t.Helper()
		no = needs
		if got := c.do(method, target, body, headers...); got.status != http.StatusForbidden || got.code != "AccessDenied" {
			t.Errorf("%s %s without %s: got %d %s", method, target, needs, got.status, got.code)
		}
	}
	const bucket, key = " arn:aws:s3:::bucket", " arn:aws:s3:::bucket/k"
	f("s3:ListAllMyBuckets *", "GET", "/", "")
	f("s3:CreateBucket arn:aws:s3:::new", "PUT", "/new", "")
	f("s3:ListBucket"+bucket, "GET", "/bucket?list-type=2", "")
	f("s3:ListBucket"+bucket, "GET", "/bucket", "")
	f("s3:ListBucket arn:aws:s3:::bucket", "GET", "/bucket/none", "") // whether it is there is not told
	f("s3:GetObject"+key, "GET", "/bucket/k", "")
	f("s3:PutObject"+key, "PUT", "/bucket/k", "x")
	f("s3:PutObjectTagging"+key, "PUT", "/bucket/k", "x", "X-Amz-Tagging", "a=b")
	f("s3:GetObject"+key, "PUT", "/bucket/c", "", "X-Amz-Copy-Source", "/bucket/k")
	f("s3:PutObject"+key, "POST", "/bucket/k?uploads", "")
	f("s3:DeleteObject"+key, "DELETE", "/bucket/k", "")
	f("s3:DeleteBucket"+bucket, "DELETE", "/bucket", "")
	no = "s3:DeleteObject" + key
	got := c.do("POST", "/bucket?delete", "<Delete><Object><Key>k</Key></Object><Object><Key>j</Key></Object></Delete>")
	if !strings.Contains(got.body, "<Deleted><Key>j</Key></Deleted>") || !strings.Contains(got.body, "<Error><Key>k</Key><Code>AccessDenied</Code>") {
		t.Errorf("got %s", got.body)
	}
}

// TestDroppedUpload has a client leave in the middle of a body: nothing is kept.
func TestDroppedUpload(t *testing.T) {
	t.Parallel()
	c, s := newClient(t, nil)
	pr, pw := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.srv.URL+"/bucket/k", pr)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 1 << 20
	req.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	signer := v4.NewSigner()
	if err := signer.SignHTTP(ctx, aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testSecret}, req, "UNSIGNED-PAYLOAD", "s3", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if res, err := c.srv.Client().Do(req); err == nil {
			_ = res.Body.Close()
		}
	}()
	if _, err := pw.Write(make([]byte, 300_000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = pw.CloseWithError(context.Canceled) // the client may be waiting for more of the body
	<-done
	c.srv.Close() // waits for the handler
	if _, err := s.Head(t.Context(), "bucket", "k"); !object.Is(err, object.NoSuchKey) {
		t.Errorf("got %v, want no object", err)
	}
}

func TestHostBucket(t *testing.T) {
	t.Parallel()
	d := New(Config{Domains: []string{"s3.example.com"}})
	for host, want := range map[string]string{
		"127.0.0.1:4550": "", "[::1]:4550": "", "localhost": "", "localhost:4550": "", "b.localhost:4550": "b", "a.b.localhost": "a.b",
		"b.s3.localhost": "b", "s3.localhost": "", "b.s3.us-east-1.localhost": "b", "s3.us-east-1.localhost": "", "b.s3.amazonaws.com": "b",
		"b.s3.eu-west-1.amazonaws.com": "b", "s3.eu-west-1.amazonaws.com": "", "b.s3.example.com": "b", "s3.example.com": "", "example.com": "",
		"B.LocalHost": "b", "": "",
	} {
		if got := d.hostBucket(host); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	for h, want := range map[string]object.Range{
		"bytes=0-0": {First: 0, Last: 0}, "bytes=5-": {First: 5, Last: -1}, "bytes=-5": {First: -5, Last: -1}, "bytes=1-9": {First: 1, Last: 9},
	} {
		if got := byteRange(h); got == nil || *got != want {
			t.Errorf("%q: got %v, want %v", h, got, want)
		}
	}
	for _, h := range []string{"", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=0-1,3-4", "lines=0-1", "bytes=99999999999999999999-"} {
		if got := byteRange(h); got != nil {
			t.Errorf("%q: got %v, want none", h, got)
		}
	}
}

// TestRawRequests sends what no client would: each is answered, none hangs or panics.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	c, _ := newClient(t, nil)
	u, err := url.Parse(c.srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /bucket?a=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /bucket/k?X-Amz-Signature=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /bucket/k?AWSAccessKeyId=AKIATEST&Signature=x&Expires=9999999999 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"PUT /bucket/k HTTP/1.1\r\nHost: .localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, raw); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		got, err := io.ReadAll(conn)
		if err := errors.Join(err, conn.Close()); err != nil || !bytes.HasPrefix(got, []byte("HTTP/1.1 4")) {
			t.Errorf("%q: got %q, %v", raw, got, err)
		}
	}
}
