package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"

	"github.com/outcrop-ai/outcrop/internal/call"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func testCredential() *Credential {
	return &Credential{
		ID: "AKIAOUTCROPEXAMPLE00", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		Principal: call.Principal{ARN: "arn:aws:iam::123456789012:user/alice", Account: "123456789012", AccessKeyID: "AKIAOUTCROPEXAMPLE00"},
	}
}

// signedRequest signs with the official Go signer and returns what a server would see.
func signedRequest(tb testing.TB, cred *Credential, o signOptions) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), o.method, "http://127.0.0.1:4550"+o.target, strings.NewReader(o.body))
	if err != nil {
		tb.Fatal(err)
	}
	maps.Copy(r.Header, o.header)
	signer := v4.NewSigner(func(so *v4.SignerOptions) { so.DisableURIPathEscaping = o.service == "s3" })
	creds := aws.Credentials{AccessKeyID: cred.ID, SecretAccessKey: cred.Secret, SessionToken: cred.SessionToken}
	if o.payload == "" {
		sum := sha256.Sum256([]byte(o.body))
		o.payload = hex.EncodeToString(sum[:])
	}
	if o.sendHash {
		r.Header.Set("X-Amz-Content-Sha256", o.payload)
	}
	if o.presign {
		signed, header, err := signer.PresignHTTP(tb.Context(), creds, r, o.payload, o.service, o.region, o.at)
		if err != nil {
			tb.Fatal(err)
		}
		u, err := url.Parse(signed)
		if err != nil {
			tb.Fatal(err)
		}
		r.URL = u
		for name, values := range header {
			if name != "Host" {
				r.Header[name] = values
			}
		}
	} else if err := signer.SignHTTP(tb.Context(), creds, r, o.payload, o.service, o.region, o.at); err != nil {
		tb.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()
	return r
}

type signOptions struct {
	method, target, body string
	service, region      string
	header               http.Header
	at                   time.Time
	payload              string // default: the body's hash
	sendHash             bool
	presign              bool
}

func options() signOptions {
	return signOptions{
		method: "POST", target: "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse", body: `{"messages":[]}`,
		service: "bedrock", region: "us-east-1", at: now, header: http.Header{"Content-Type": {"application/json"}},
	}
}

func (o signOptions) request(r *http.Request) Request {
	return Request{HTTP: r, Service: o.service, Body: hashOf([]byte(o.body)), Bearer: o.service == "bedrock"}
}

func TestOfficialSigner(t *testing.T) {
	t.Parallel()
	f := func(name string, change func(*signOptions)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options()
			change(&o)
			cred := testCredential()
			v := newVerifier(t, testKeys{cred: cred}, now, "us-east-1", "eu-west-1")
			id, err := v.Verify(o.request(signedRequest(t, cred, o)))
			if err != nil {
				t.Fatal(err)
			}
			if id.Principal != cred.Principal || id.Region != o.region {
				t.Errorf("got %+v, want %+v in %s", id.Principal, cred.Principal, o.region)
			}
			if err := id.Revalidate(); err != nil {
				t.Errorf("revalidate: %v", err)
			}
			// Everything a client says is signed: any other body, method or region is not it.
			other := o
			other.body += " "
			if o.payload == "" {
				if _, err := v.Verify(other.request(signedRequest(t, cred, o))); err == nil {
					t.Error("another body was accepted")
				}
			}
			r := signedRequest(t, cred, o)
			r.Method = "PUT"
			if _, err := v.Verify(o.request(r)); err == nil {
				t.Error("another method was accepted")
			}
		})
	}
	f("plain", func(*signOptions) {})
	f("hash sent", func(o *signOptions) { o.sendHash = true })
	f("unsigned payload", func(o *signOptions) { o.payload, o.sendHash = unsignedPayload, true })
	f("presigned", func(o *signOptions) { o.presign, o.target = true, o.target+"?a=b&X-Amz-Expires=60" })
	f("presigned s3", func(o *signOptions) {
		o.presign, o.service, o.payload, o.target = true, "s3", unsignedPayload, "/bucket/a//b/../c%20d%2Be?X-Amz-Expires=604800"
	})
	f("s3", func(o *signOptions) {
		o.service, o.sendHash, o.target = "s3", true, "/bucket/a//b/./c%20%2F?list-type=2&prefix="
	})
	f("sts", func(o *signOptions) {
		o.service, o.target, o.body = "sts", "/", "Action=GetCallerIdentity&Version=2011-06-15"
	})
	f("query", func(o *signOptions) { o.target = "/x?b=2&a=1&a=0&empty=&novalue&sp=a+b&u=%C3%A9&tilde=~&star=*" })
	f("header spaces", func(o *signOptions) { o.header["X-Amz-Meta"] = []string{"  a   b ", "c"} })
	f("other region", func(o *signOptions) { o.region = "eu-west-1" })
	f("at the limits", func(o *signOptions) { o.at = now.Add(-5 * time.Minute) })
	f("early", func(o *signOptions) { o.at = now.Add(5 * time.Minute) })
}

// Random requests, signed by the official signer, are accepted.
func TestOfficialSignerRandomly(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	cred := testCredential()
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	pieces := []string{"a", "B", "7", "-", "_", ".x", "~", "%20", "%3A", "%2F", "%C3%A9", ":", "@", "!", "$", "(", ")", "*", ",", ";x", "'"}
	escaped := pieces[:11] // s3's own clients escape all the rest
	textOf := func(n int, from []string) string {
		var b strings.Builder
		for range 1 + rng.IntN(n) {
			b.WriteString(pick(from))
		}
		return b.String()
	}
	text := func(n int) string { return textOf(n, pieces) }
	for i := range 500 {
		o := options()
		o.method = pick([]string{"GET", "POST", "PUT", "DELETE", "PATCH"})
		o.service = pick([]string{"bedrock", "sts", "s3"})
		o.target = ""
		for range 1 + rng.IntN(4) {
			if o.service == "s3" {
				o.target += "/" + textOf(6, escaped)
			} else {
				o.target += "/" + text(6)
			}
		}
		for j := range rng.IntN(4) {
			sep := "&"
			if j == 0 {
				sep = "?"
			}
			o.target += sep + url.QueryEscape(text(3)) + "=" + url.QueryEscape(text(4))
		}
		o.presign = rng.IntN(3) == 0
		if o.presign {
			sep := "?"
			if strings.Contains(o.target, "?") {
				sep = "&"
			}
			o.target += sep + "X-Amz-Expires=900"
		}
		o.sendHash = o.service == "s3" || rng.IntN(2) == 0
		o.body = strings.Repeat("x", rng.IntN(100))
		o.header = http.Header{"Content-Type": {"application/json"}, "X-Custom": {text(5), "  " + text(3)}}
		c := *cred
		if rng.IntN(2) == 0 {
			c.SessionToken = "token+/=" + text(3)
		}
		v := newVerifier(t, testKeys{cred: &c}, now)
		r := signedRequest(t, &c, o)
		if _, err := v.Verify(o.request(r)); err != nil {
			t.Errorf("%d: %s %s: %v", i, o.method, r.RequestURI, err)
		}
	}
}

// What net/http's server hands over, over HTTP/1.1 and cleartext HTTP/2.
func TestThroughNetHTTP(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("h2=%t", h2), func(t *testing.T) {
			t.Parallel()
			v := newVerifier(t, testKeys{cred: cred}, now)
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				if (r.ProtoMajor == 2) != h2 {
					t.Errorf("served over %s", r.Proto)
				}
				if _, err := v.Verify(Request{HTTP: r, Service: "bedrock", Body: hashOf(body)}); err != nil {
					w.WriteHeader(http.StatusForbidden)
					_, _ = io.WriteString(w, err.Error())
				}
			}))
			srv.Config.Protocols = new(http.Protocols)
			srv.Config.Protocols.SetHTTP1(true)
			srv.Config.Protocols.SetUnencryptedHTTP2(true)
			srv.Start()
			defer srv.Close()
			transport := &http.Transport{Protocols: new(http.Protocols)}
			transport.Protocols.SetHTTP1(!h2)
			transport.Protocols.SetUnencryptedHTTP2(h2)
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			for _, path := range []string{"/model/a%3A0/converse", "/model/a:0/converse?b=%2F&a=1", "/agents/x/", "/m/%C3%A9%20%2F"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				sum := sha256.Sum256([]byte("{}"))
				if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: cred.ID, SecretAccessKey: cred.Secret}, r, hex.EncodeToString(sum[:]), "bedrock", "us-east-1", now); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(r.Header.Get("Authorization"), "content-length;") {
					t.Fatal("the signer no longer signs content-length: the test lost a case")
				}
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				text, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("%s: %s", path, text)
				}
			}
		})
	}
}

// The JavaScript clients sign ":authority" and no "host" over HTTP/2.
func TestAuthoritySigned(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	v := newVerifier(t, testKeys{cred: cred}, now)
	r := &http.Request{Method: http.MethodPost, RequestURI: "/x", Host: "127.0.0.1:4550", ProtoMajor: 2, Header: http.Header{"X-Amz-Date": {now.Format(isoBasic)}}}
	sign(r, cred, ":authority;x-amz-date")
	if _, err := v.Verify(Request{HTTP: r, Service: "bedrock"}); err != nil {
		t.Errorf("refused: %v", err)
	}
	r.Host = "elsewhere:4550"
	if _, err := v.Verify(Request{HTTP: r, Service: "bedrock"}); err == nil {
		t.Error("accepted for another host")
	}
}

// sign signs by hand what the official signer would not, with an empty body.
func sign(r *http.Request, cred *Credential, headers string) {
	scope := credentialScope{cred.ID, now.Format("20060102"), "us-east-1", "bedrock"}
	sig := signature{credentialScope: scope, date: now.Format(isoBasic), signedHeaders: headers}
	path, query := target(r)
	var c canon
	c.write(&signed{http: r, path: path, query: query, sig: &sig}, emptyPayload)
	key := derive(cred.Secret, scope)
	value := sig.compute(c.buf, &key)
	r.Header.Set("Authorization", algorithm+" Credential="+cred.ID+"/"+scope.Date+"/us-east-1/bedrock/aws4_request, SignedHeaders="+headers+", Signature="+string(value[:]))
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	f := func(name, service, wantCode, wantText string, change func(*signOptions, *http.Request) *http.Request) {
		t.Run(name+" "+service, func(t *testing.T) {
			t.Parallel()
			o := options()
			o.service, o.sendHash = service, true
			r := change(&o, nil)
			if r == nil {
				r = change(&o, signedRequest(t, cred, o))
			}
			v := newVerifier(t, testKeys{cred: cred}, now, "us-east-1", "eu-west-1")
			req := o.request(r)
			req.Service = service
			_, err := v.Verify(req)
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Code != wantCode || !strings.Contains(e.Message, wantText) {
				t.Errorf("got  %s: %s\nwant %s: …%s…", e.Code, e.Message, wantCode, wantText)
			}
			if e.Status < 400 || e.Message == "" || e.Reason == 0 {
				t.Errorf("incomplete error %+v", e)
			}
			if strings.Contains(e.Detail, cred.Secret) {
				t.Error("the detail holds the secret")
			}
		})
	}
	// A change sees the options first, with a nil request, and then the signed request.
	before := func(g func(*signOptions)) func(*signOptions, *http.Request) *http.Request {
		return func(o *signOptions, r *http.Request) *http.Request {
			if r == nil {
				g(o)
			}
			return r
		}
	}
	after := func(g func(*http.Request)) func(*signOptions, *http.Request) *http.Request {
		return func(_ *signOptions, r *http.Request) *http.Request {
			if r != nil {
				g(r)
			}
			return r
		}
	}
	header := func(name, value string) func(*signOptions, *http.Request) *http.Request {
		return after(func(r *http.Request) { r.Header.Set(name, value) })
	}
	inAuth := func(old, repl string) func(*signOptions, *http.Request) *http.Request {
		return after(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, repl, 1))
		})
	}
	nothing := after(func(r *http.Request) { r.Header.Del("Authorization") })
	f("unsigned", "bedrock", "MissingAuthenticationTokenException", "Missing Authentication Token", nothing)
	f("unsigned", "sts", "MissingAuthenticationToken", "Request is missing Authentication Token", nothing)
	f("unsigned", "s3", "AccessDenied", "Access Denied", nothing)

	unknown := inAuth(cred.ID, "AKIANOBODY")
	f("unknown key", "bedrock", "UnrecognizedClientException", invalidTokenText, unknown)
	f("unknown key", "monitoring", "UnrecognizedClientException", invalidTokenText, unknown)
	f("unknown key", "sts", "InvalidClientTokenId", invalidTokenText, unknown)
	f("unknown key", "s3", "InvalidAccessKeyId", "does not exist in our records", unknown)

	tampered := header("Content-Type", "text/plain")
	f("tampered", "bedrock", "InvalidSignatureException", mismatchText, tampered)
	f("tampered", "iam", "SignatureDoesNotMatch", mismatchText, tampered)
	f("tampered", "s3", "SignatureDoesNotMatch", "Check your key and signing method", tampered)

	old := before(func(o *signOptions) { o.at = now.Add(-5*time.Minute - time.Second) })
	f("old", "bedrock", "InvalidSignatureException", "Signature expired: 20260131T115459Z is now earlier than 20260131T115500Z (20260131T120000Z - 5 min.)", old)
	f("old", "sts", "SignatureDoesNotMatch", "Signature expired: 20260131T115459Z", old)
	f("old", "s3", "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
		before(func(o *signOptions) { o.at = now.Add(-16 * time.Minute) }))
	f("future", "bedrock", "InvalidSignatureException", "Signature not yet current: 20260131T120501Z is still later than 20260131T120500Z (20260131T120000Z + 5 min.)",
		before(func(o *signOptions) { o.at = now.Add(5*time.Minute + time.Second) }))
	f("future", "s3", "RequestTimeTooSkewed", "too large", before(func(o *signOptions) { o.at = now.Add(16 * time.Minute) }))
	f("presigned, over", "bedrock", "InvalidSignatureException", "Signature expired: 20260131T115900Z is now earlier than 20260131T120000Z",
		before(func(o *signOptions) { o.presign, o.target, o.at = true, "/?X-Amz-Expires=60", now.Add(-2*time.Minute) }))
	f("presigned, over", "s3", "AccessDenied", "Request has expired",
		before(func(o *signOptions) { o.presign, o.target, o.at = true, "/?X-Amz-Expires=60", now.Add(-2*time.Minute) }))
	f("presigned too long", "bedrock", "IncompleteSignatureException", "604800",
		before(func(o *signOptions) { o.presign, o.target = true, "/?X-Amz-Expires=604801" }))
	f("presigned for ever", "bedrock", "IncompleteSignatureException", "X-Amz-Expires",
		before(func(o *signOptions) { o.presign, o.target = true, "/?X-Amz-Expires=99999999999999999999" }))

	f("no credential", "bedrock", "IncompleteSignatureException", "requires 'Credential' parameter", inAuth("Credential=", "Cred="))
	f("no signature", "sts", "IncompleteSignature", "requires 'Signature' parameter", inAuth("Signature=", "Sig="))
	f("no signed headers", "s3", "AuthorizationHeaderMalformed", "requires 'SignedHeaders' parameter", inAuth("SignedHeaders=", "Headers="))
	f("no date", "bedrock", "IncompleteSignatureException", "'X-Amz-Date' or a 'Date' header", after(func(r *http.Request) { r.Header.Del("X-Amz-Date") }))
	f("bad date", "bedrock", "IncompleteSignatureException", "ISO-8601", header("X-Amz-Date", "yesterday"))
	f("another day", "bedrock", "InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD", header("X-Amz-Date", "20260201T000000Z"))
	f("basic auth", "bedrock", "IncompleteSignatureException", "Unsupported AWS 'algorithm': 'Basic'", header("Authorization", "Basic dTpw"))
	f("sigv4a", "bedrock", "IncompleteSignatureException", "SigV4a", inAuth(algorithm, algorithmV4))
	f("four parts", "bedrock", "IncompleteSignatureException", "exactly 5 slash-delimited", inAuth("/aws4_request", ""))
	f("terminator", "bedrock", "InvalidSignatureException", "valid terminator", inAuth("aws4_request", "aws5_request"))
	f("service", "bedrock", "InvalidSignatureException", "correct service: 'bedrock'", inAuth("/bedrock/", "/sagemaker/"))
	f("region", "bedrock", "InvalidSignatureException", "valid region", inAuth("/us-east-1/", "/us-gov-west-1/"))
	f("host not signed", "bedrock", "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader'", inAuth(";host", ""))
	f("target not signed", "logs", "InvalidSignatureException", "X-Amz-Target", header("X-Amz-Target", "Logs_20140328.DeleteLogGroup"))
	f("upper-case list", "bedrock", "IncompleteSignatureException", "lowercase", inAuth("content-type", "Content-Type"))
	f("empty list entry", "bedrock", "IncompleteSignatureException", "lowercase", inAuth("SignedHeaders=", "SignedHeaders=;"))
	f("unsigned amz header", "s3", "AccessDenied", "not signed", header("X-Amz-Acl", "public-read"))
	f("streaming", "bedrock", "IncompleteSignatureException", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", header("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"))
	f("streaming", "s3", "NotImplemented", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", header("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"))
	f("bad hash", "bedrock", "IncompleteSignatureException", "valid sha256", header("X-Amz-Content-Sha256", "abc"))
	f("other body", "bedrock", "InvalidSignatureException", mismatchText, func(o *signOptions, r *http.Request) *http.Request {
		if r != nil {
			o.body = "changed on the way"
		}
		return r
	})
	f("session token", "bedrock", "UnrecognizedClientException", invalidTokenText, header("X-Amz-Security-Token", "stale"))
	f("two headers", "bedrock", "IncompleteSignatureException", "more than one", after(func(r *http.Request) { r.Header.Add("Authorization", "Bearer x") }))
	f("header and query", "bedrock", "IncompleteSignatureException", "Only one auth mechanism", after(func(r *http.Request) { r.RequestURI += "?X-Amz-Signature=0" }))
	f("bearer", "sts", "InvalidClientTokenId", "bedrock and bedrock-runtime only", header("Authorization", "Bearer x"))
	f("bearer", "bedrock", "UnrecognizedClientException", invalidTokenText, header("Authorization", "Bearer x"))
}

func TestExpiredAndRevokedCredential(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	cred.Expires = now
	o := options()
	v := newVerifier(t, testKeys{cred: cred}, now)
	_, err := v.Verify(o.request(signedRequest(t, cred, o)))
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "ExpiredTokenException" {
		t.Errorf("got %v, want ExpiredTokenException", err)
	}
	keys := &struct{ testKeys }{testKeys{cred: testCredential()}}
	v = newVerifier(t, keys, now)
	id, err := v.Verify(o.request(signedRequest(t, keys.cred, o)))
	if err != nil {
		t.Fatal(err)
	}
	keys.cred = nil
	if e, ok := errors.AsType[*Error](id.Revalidate()); !ok || e.Code != "UnrecognizedClientException" {
		t.Errorf("after revocation: got %v", e)
	}
}

func TestBodyIsReadOnlyForBelievedSenders(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	o := options()
	o.sendHash = true
	v := newVerifier(t, testKeys{cred: cred}, now)
	r := signedRequest(t, cred, o)
	r.Header.Set("Authorization", r.Header.Get("Authorization")+"0")
	read := false
	_, err := v.Verify(Request{HTTP: r, Service: "bedrock", Body: func() ([32]byte, error) { read = true; return [32]byte{}, nil }})
	if err == nil || read {
		t.Errorf("got %v, body read: %t; want an error and the body untouched", err, read)
	}
	tooLarge := errors.New("too large")
	_, err = v.Verify(Request{HTTP: signedRequest(t, cred, o), Service: "bedrock", Body: func() ([32]byte, error) { return [32]byte{}, tooLarge }})
	if !errors.Is(err, tooLarge) {
		t.Errorf("got %v, want the body's own error", err)
	}
}

// TestRefusalsAreLogged checks that whoever runs the server can see why a signature did
// not fit, in one line whatever its sender wrote.
func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	var out strings.Builder
	v, err := New(Config{Keys: testKeys{cred: cred}, Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	if _, err := v.Verify(o.request(signedRequest(t, cred, o))); err != nil || out.Len() > 0 {
		t.Errorf("a good request: %v, logged %q", err, out.String())
	}
	r := signedRequest(t, cred, o)
	r.RequestURI = "/other%0Alevel=ERROR?x=\n"
	if _, err := v.Verify(o.request(r)); err == nil {
		t.Fatal("believed")
	}
	got := out.String()
	for _, want := range []string{"code=InvalidSignatureException", "service=bedrock", "canonical request: ", "/other%250Alevel%3DERROR"} {
		if !strings.Contains(got, want) {
			t.Errorf("logged %q, want %q in it", got, want)
		}
	}
	if strings.Count(got, "\n") != 1 {
		t.Errorf("logged %q, want one line", got)
	}
}

func TestKeyCacheIsBounded(t *testing.T) {
	t.Parallel()
	var k keyCache
	cred := testCredential()
	for i := range 3 * maxDerived {
		scope := credentialScope{cred.ID, fmt.Sprint(i), "r", "s"}
		if k.get(cred, scope) != derive(cred.Secret, scope) {
			t.Fatal("wrong key")
		}
	}
	if len(k.keys) > maxDerived {
		t.Errorf("holds %d keys", len(k.keys))
	}
	other := *cred
	other.Secret = "another"
	scope := credentialScope{cred.ID, fmt.Sprint(3*maxDerived - 1), "r", "s"}
	if k.get(&other, scope) != derive("another", scope) {
		t.Error("a key ID with another secret got the old one's key")
	}
}

func FuzzVerify(f *testing.F) {
	cred := testCredential()
	v, err := New(Config{Keys: testKeys{cred: cred}, Now: func() time.Time { return now }})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("/x?a=b", algorithm+" Credential="+cred.ID+"/20260131/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "20260131T120000Z")
	f.Add("/?X-Amz-Algorithm="+algorithm+"&X-Amz-Credential=a%2Fb%2Fc%2Fd%2Faws4_request&X-Amz-Date=20260131T120000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0&X-Amz-Expires=1", "", "")
	f.Add("http://h", "Bearer bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29tLz8=", "x")
	f.Add("/..//%zz/%2", "Bearer ABSK", "")
	f.Fuzz(func(t *testing.T, target, header, date string) {
		r := &http.Request{Method: http.MethodPost, RequestURI: target, Host: "h", Header: http.Header{}}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		r.Header.Set("X-Amz-Date", date)
		for _, service := range []string{"bedrock", "sts", "s3"} {
			_, err := v.Verify(Request{HTTP: r, Service: service, Bearer: true})
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("accepted, or not an *Error: %v", err)
			}
			if e.Code == "" || e.Message == "" || e.Status == 0 {
				t.Errorf("incomplete error %+v", e)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	cred := testCredential()
	v := newVerifier(b, testKeys{cred: cred}, now, "us-east-1")
	bench := func(name string, change func(*signOptions)) {
		b.Run(name, func(b *testing.B) {
			o := options()
			o.header["X-Amzn-Trace-Id"] = []string{"x"}
			o.header["Amz-Sdk-Invocation-Id"] = []string{"b9a0a1ff-0000-4000-8000-1234567890ab"}
			change(&o)
			r := signedRequest(b, cred, o)
			sum := sha256.Sum256([]byte(o.body))
			req := o.request(r)
			req.Body = func() ([32]byte, error) { return sum, nil }
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	bench("header", func(*signOptions) {})
	bench("header with hash", func(o *signOptions) { o.sendHash = true })
	bench("presigned", func(o *signOptions) { o.presign, o.target = true, o.target+"?X-Amz-Expires=60" })
}
