package auth

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

// vector is one request that an official signer signed.
type vector struct {
	name    string
	raw     string // the request as text
	cred    Credential
	now     time.Time
	service string
	rule    pathRule
}

// wire is a raw request taken apart, so that tests can change any part of it.
type wire struct {
	method, target string
	header         http.Header
	host           string
	body           []byte
}

// parseWire reads the vectors' dialect of HTTP: targets may hold spaces and bytes beyond
// ASCII, and lines end in LF, so net/http would not take them.
func parseWire(tb testing.TB, raw string) wire {
	tb.Helper()
	head, body, _ := strings.Cut(strings.ReplaceAll(raw, "\r\n", "\n"), "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	method, rest, _ := strings.Cut(lines[0], " ")
	w := wire{method: method, target: strings.TrimSuffix(rest, " HTTP/1.1"), header: http.Header{}, body: []byte(strings.TrimRight(body, "\n"))}
	var folded []string
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, " ") && len(folded) > 0 { // obsolete line folding: net/textproto joins with one space
			folded[len(folded)-1] += " " + strings.TrimSpace(line)
			continue
		}
		folded = append(folded, line)
	}
	for _, line := range folded {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			tb.Fatalf("bad header line %q", line)
		}
		if strings.EqualFold(name, "host") {
			w.host = strings.TrimSpace(value)
			continue
		}
		w.header.Add(name, strings.TrimSpace(value))
	}
	return w
}

func (w wire) request() *http.Request {
	return &http.Request{
		Method: w.method, RequestURI: w.target, Header: w.header, Host: w.host,
		ContentLength: int64(len(w.body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

func (w wire) clone() wire {
	w.header = w.header.Clone()
	w.body = append([]byte(nil), w.body...)
	return w
}

// testKeys is a key store of one access key and one API key.
type testKeys struct {
	cred   *Credential
	apiKey string
}

func (k testKeys) AccessKey(id string) *Credential {
	if k.cred != nil && id == k.cred.ID {
		return k.cred
	}
	return nil
}

func (k testKeys) APIKey(token string) *Credential {
	if k.cred != nil && k.apiKey != "" && token == k.apiKey {
		return k.cred
	}
	return nil
}

func newVerifier(tb testing.TB, keys Keys, now time.Time, regions ...string) *Verifier {
	tb.Helper()
	v, err := New(Config{Keys: keys, Regions: regions, Now: func() time.Time { return now }})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func hashOf(body []byte) func() ([32]byte, error) {
	return func() ([32]byte, error) { return sha256.Sum256(body), nil }
}

// check verifies w under the vector's own path rule.
func (vec vector) check(tb testing.TB, w wire) error {
	tb.Helper()
	v := newVerifier(tb, testKeys{cred: &vec.cred}, vec.now)
	r := w.request()
	rawPath, query := target(r)
	sig, err := parseSignature(r, query, r.Header.Get("Authorization"), vec.service)
	if err != nil {
		return err
	}
	cred, err := v.credential(&sig, vec.service)
	if err != nil {
		return err
	}
	return v.checkSignature(&signed{http: r, path: rawPath, query: query, rule: vec.rule, sig: &sig, service: vec.service, body: hashOf(w.body)}, cred)
}

func vectors(tb testing.TB) []vector {
	tb.Helper()
	return append(awsCAuthVectors(tb), botocoreVectors(tb)...)
}

func awsCAuthVectors(tb testing.TB) (all []vector) {
	tb.Helper()
	root := sharedtest.Path(tb, "vectors", "sigv4-aws-c-auth", "tests", "aws-signing-test-suite", "v4")
	dirs, err := os.ReadDir(root)
	if err != nil {
		tb.Fatal(err)
	}
	for _, d := range dirs {
		var c struct {
			Credentials struct {
				ID     string `json:"access_key_id"`
				Secret string `json:"secret_access_key"`
				Token  string `json:"token"`
			} `json:"credentials"`
			Normalize bool      `json:"normalize"`
			Service   string    `json:"service"`
			Timestamp time.Time `json:"timestamp"`
		}
		if err := json.Unmarshal(read(tb, root, d.Name(), "context.json"), &c); err != nil {
			tb.Fatal(err)
		}
		rule := pathTwice
		if !c.Normalize {
			rule = pathOnce
		}
		for _, form := range []string{"header", "query"} {
			all = append(all, vector{
				name: "aws-c-auth/" + d.Name() + "/" + form,
				raw:  string(read(tb, root, d.Name(), form+"-signed-request.txt")),
				cred: Credential{ID: c.Credentials.ID, Secret: c.Credentials.Secret, SessionToken: c.Credentials.Token, Principal: call.Principal{ARN: "arn:aws:iam::123456789012:root"}},
				now:  c.Timestamp, service: c.Service, rule: rule,
			})
		}
	}
	if len(all) != 76 {
		tb.Fatalf("found %d aws-c-auth vectors, want 38 in two forms", len(all))
	}
	return all
}

func botocoreVectors(tb testing.TB) (all []vector) {
	tb.Helper()
	root := sharedtest.Path(tb, "vectors", "sigv4-botocore", "tests", "unit", "auth", "aws4_testsuite")
	err := filepath.WalkDir(root, func(file string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".sreq") {
			return err
		}
		rel, _ := filepath.Rel(root, file) // file starts with root
		// The Authorization is taken from .authz, as botocore's own test does: in
		// get-vanilla-with-session-token the .sreq has another case's signature.
		signed, _, _ := strings.Cut(string(read(tb, file)), "Authorization:")
		_, body, _ := strings.Cut(string(read(tb, file)), "\n\n")
		vec := vector{
			name: "botocore/" + strings.TrimSuffix(rel, ".sreq"),
			raw:  signed + "Authorization:" + string(read(tb, strings.TrimSuffix(file, ".sreq")+".authz")) + "\n\n" + body,
			cred: Credential{ID: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
			now:  time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC), service: "service",
		}
		vec.cred.SessionToken = parseWire(tb, vec.raw).header.Get("X-Amz-Security-Token")
		all = append(all, vec)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	if len(all) < 30 {
		tb.Fatalf("found %d botocore vectors", len(all))
	}
	return all
}

func read(tb testing.TB, elem ...string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestVectorsAreAccepted(t *testing.T) {
	t.Parallel()
	for _, vec := range vectors(t) {
		t.Run(vec.name, func(t *testing.T) {
			t.Parallel()
			if err := vec.check(t, parseWire(t, vec.raw)); err != nil {
				t.Errorf("refused: %v", err)
				if e, ok := err.(*Error); ok { //nolint:errorlint // the verifier's own, not wrapped
					t.Log(e.Detail)
				}
			}
		})
	}
}

// signedNames lists the headers that must not change: what is signed, and what the string
// to sign or the credential holds.
func signedNames(tb testing.TB, w wire) map[string]bool {
	tb.Helper()
	r := w.request()
	_, query := target(r)
	sig, err := parseSignature(r, query, r.Header.Get("Authorization"), "service")
	if err != nil {
		tb.Fatal(err)
	}
	names := map[string]bool{"X-Amz-Date": true, "X-Amz-Security-Token": true}
	for name := range strings.SplitSeq(sig.signedHeaders, ";") {
		names[http.CanonicalHeaderKey(name)] = true
	}
	return names
}

// Every byte of every part that is signed is changed, one at a time. A change that leaves
// the request's meaning as it was (another spelling of an escape, a folded space) may pass.
func TestChangedVectorsAreRefused(t *testing.T) {
	t.Parallel()
	for _, vec := range vectors(t) {
		t.Run(vec.name, func(t *testing.T) {
			t.Parallel()
			w := parseWire(t, vec.raw)
			want := meaning(t, vec, w)
			refused := 0
			try := func(what string, changed wire) {
				t.Helper()
				err := vec.check(t, changed)
				switch {
				case err != nil:
					refused++
				case meaning(t, vec, changed) != want:
					t.Errorf("%s: accepted", what)
				}
			}
			eachChange(w.method, func(s string) { c := w.clone(); c.method = s; try("method "+s, c) })
			eachChange(w.target, func(s string) { c := w.clone(); c.target = s; try("target "+s, c) })
			eachChange(w.host, func(s string) { c := w.clone(); c.host = s; try("host "+s, c) })
			for name := range signedNames(t, w) {
				for i, v := range w.header[name] {
					eachChange(v, func(s string) { c := w.clone(); c.header[name][i] = s; try(name+" "+s, c) })
				}
			}
			eachChange(w.header.Get("Authorization"), func(s string) {
				c := w.clone()
				c.header.Set("Authorization", s)
				try("Authorization "+s, c)
			})
			eachChange(string(w.body)+" ", func(s string) { c := w.clone(); c.body = []byte(s); try("body "+s, c) })
			c := w.clone()
			c.body = append(c.body, '!')
			try("longer body", c)
			if refused < 100 {
				t.Errorf("only %d changes were refused: this test does not reach the signature", refused)
			}
		})
	}
}

// eachChange calls f with s changed at each place in several ways.
func eachChange(s string, f func(string)) {
	for i := range len(s) {
		for _, b := range []byte{s[i] ^ 1, s[i] ^ 0x20, 'z', '%'} {
			if b == s[i] || b < ' ' || b == 0x7f {
				continue
			}
			f(s[:i] + string([]byte{b}) + s[i+1:])
		}
		f(s[:i] + s[i+1:]) // left out
	}
}

// meaning says what a request asks for, in the standard library's terms and not in those
// of the code under test: two requests that one signature covers must mean the same.
func meaning(tb testing.TB, vec vector, w wire) string {
	tb.Helper()
	var b strings.Builder
	rawPath, rawQuery, _ := strings.Cut(w.target, "?")
	p := rawPath
	if vec.rule == pathTwice {
		p = path.Clean("/" + rawPath)
		if strings.HasSuffix(rawPath, "/") && p != "/" {
			p += "/"
		}
	} else if decoded, err := url.PathUnescape(rawPath); err == nil {
		p = decoded
	}
	fmt.Fprintf(&b, "%s %q %q %q\n", w.method, p, w.host, w.body)
	query := map[string][]string{}
	for param := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(param, "=")
		if param == "" {
			continue
		}
		for _, s := range []*string{&name, &value} {
			if decoded, err := url.QueryUnescape(*s); err == nil {
				*s = decoded
			}
		}
		query[name] = append(query[name], value)
	}
	for _, values := range query {
		slices.Sort(values)
	}
	fmt.Fprintln(&b, query) // fmt sorts maps by key
	for name := range signedNames(tb, parseWire(tb, vec.raw)) {
		var values []string
		for _, v := range w.header[name] {
			values = append(values, strings.Join(strings.FieldsFunc(v, func(r rune) bool { return r == ' ' }), " "))
		}
		query[name] = values
	}
	fmt.Fprintln(&b, query, strings.FieldsFunc(w.header.Get("Authorization"), func(r rune) bool { return r == ' ' || r == ',' }))
	return b.String()
}
