package server

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/outcrop-ai/outcrop/internal/iam"
	"github.com/outcrop-ai/outcrop/internal/ledger"
)

// TestBadSignatures sends requests that prove nothing.
func TestBadSignatures(t *testing.T) {
	t.Parallel()
	i := start(t)
	gone, goneKey := i.key(iam.NewKey{Name: "gone", Kind: iam.SigV4, Actions: []string{"bedrock:*"}})
	if _, err := i.identity.store.Revoke(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	const (
		invalid      = "InvalidSignatureException"
		unrecognized = "UnrecognizedClientException"
		incomplete   = "IncompleteSignatureException"
	)
	drop := func(part string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), part, "X"+part, 1))
		}
	}
	for _, tc := range []struct {
		name       string
		ask        ask
		code, says string
	}{
		{"no signature", ask{unsigned: true}, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"expired", ask{at: time.Now().Add(-6 * time.Minute)}, invalid, "Signature expired"},
		{"of the future", ask{at: time.Now().Add(6 * time.Minute)}, invalid, "Signature not yet current"},
		{"an unknown key", ask{key: &aws.Credentials{AccessKeyID: "AKIANOBODYNOBODYNOBO", SecretAccessKey: "x"}}, unrecognized, "security token included in the request is invalid"},
		{"a revoked key", ask{key: goneKey}, unrecognized, "security token included in the request is invalid"},
		{"a wrong secret", ask{key: &aws.Credentials{AccessKeyID: i.root.AccessKeyID, SecretAccessKey: "x"}}, invalid, "does not match"},
		{"a session token nobody gave", ask{key: &aws.Credentials{AccessKeyID: i.root.AccessKeyID, SecretAccessKey: i.root.SecretAccessKey, SessionToken: "x"}}, unrecognized, ""},
		{"another body", ask{after: func(r *http.Request) {
			r.Body = http.NoBody
			r.ContentLength = 0
			r.GetBody = nil
		}}, invalid, ""},
		{"another path", ask{after: func(r *http.Request) { r.URL.Path = converse(claude) }}, invalid, "does not match"},
		{"no Credential", ask{after: drop("Credential=")}, incomplete, "Credential"},
		{"no SignedHeaders", ask{after: drop("SignedHeaders=")}, incomplete, "SignedHeaders"},
		{"no Signature", ask{after: drop("Signature=")}, incomplete, "Signature"},
		{"an unknown scheme", ask{after: func(r *http.Request) { r.Header.Set("Authorization", "Basic dXNlcjpwYXNz") }}, incomplete, ""},
		{"a region not served", ask{region: "ap-south-1"}, "", ""},
		{"an unknown bearer token", ask{bearer: "nonsense"}, unrecognized, ""},
		{"a short-term key of nobody", ask{bearer: "bedrock-api-key-" + base64.StdEncoding.EncodeToString([]byte("bedrock.amazonaws.com/?Action=CallWithBearerToken"))}, "", ""},
	} {
		tc.ask.body = says("hello")
		a := i.do(tc.ask)
		code := tc.code
		if code == "" { // any of them, as long as it is one
			code, _, _ = strings.Cut(a.header.Get("X-Amzn-Errortype"), ":")
			if code == "" {
				t.Errorf("%s: %d without a code", tc.name, a.status)
			}
		}
		a.wantError(t, tc.name, http.StatusForbidden, code, tc.says)
	}
	if list := i.records(); len(list) != 0 {
		t.Errorf("calls of nobody are recorded: %+v", list)
	}

	// The query protocol has its own form and names.
	a := i.do(ask{
		path: "/", service: "sts", body: "Action=GetCallerIdentity&Version=2011-06-15", key: &aws.Credentials{AccessKeyID: i.root.AccessKeyID, SecretAccessKey: "x"},
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	var e struct {
		Error struct{ Type, Code, Message string }
	}
	if err := xml.Unmarshal(a.body, &e); err != nil || a.status != http.StatusForbidden || e.Error.Code != "SignatureDoesNotMatch" {
		t.Errorf("sts: %d %s (%v)", a.status, a.body, err)
	}
	i.healthy()
}

// TestCredentials wants every kind that is good to be taken.
func TestCredentials(t *testing.T) {
	t.Parallel()
	i := start(t)
	bearer, _ := i.key(iam.NewKey{Name: "bearer", Kind: iam.Bearer, Actions: []string{"bedrock:*"}})
	for name, a := range map[string]ask{
		"signed 4 minutes ago":        {at: time.Now().Add(-4 * time.Minute)},
		"signed 4 minutes from now":   {at: time.Now().Add(4 * time.Minute)},
		"in another region":           {region: "eu-west-1"},
		"an API key":                  {bearer: bearer.Secret},
		"a short-term key":            {bearer: shortTerm(t, i.root)},
		"unsigned payload, signed so": {hash: "UNSIGNED-PAYLOAD"},
		"an escaped colon":            {path: converse("anthropic.claude-3-5-sonnet-20241022-v2%3A0")},
		"a plain colon":               {path: converse(claude)},
	} {
		a.body = says("hello")
		if got := i.do(a); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	// A presigned GET.
	r := i.request(t.Context(), ask{method: http.MethodGet, path: "/foundation-models?X-Amz-Expires=60", unsigned: true})
	r.Header.Del("Content-Type")
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	uri, _, err := v4.NewSigner().PresignHTTP(t.Context(), i.root, r, empty, "bedrock", "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(uri, i.Endpoint())
	if got := i.do(ask{method: http.MethodGet, path: path, unsigned: true}); got.status != http.StatusOK || !strings.Contains(string(got.body), "modelSummaries") {
		t.Errorf("presigned: %d %.200s", got.status, got.body)
	}
	got := i.do(ask{method: http.MethodGet, path: strings.Replace(path, "foundation-models", "inference-profiles", 1), unsigned: true})
	got.wantError(t, "presigned for another path", http.StatusForbidden, "InvalidSignatureException", "")

	// Who is that?
	made, key := i.key(iam.NewKey{Name: "who", Kind: iam.SigV4, Actions: []string{"bedrock:InvokeModel"}})
	who := i.do(ask{
		path: "/", service: "sts", body: "Action=GetCallerIdentity&Version=2011-06-15", key: key,
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	if !strings.Contains(string(who.body), made.ARN()) || who.status != http.StatusOK {
		t.Errorf("GetCallerIdentity: %d %s, want %s", who.status, who.body, made.ARN())
	}
}

// shortTerm makes a key as AWS's generators do.
func shortTerm(t *testing.T, c aws.Credentials) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Expires=3600", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	uri, _, err := v4.NewSigner().PresignHTTP(t.Context(), c, r, empty, "bedrock", "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return "bedrock-api-key-" + base64.StdEncoding.EncodeToString([]byte(strings.TrimPrefix(uri, "https://")+"&Version=1"))
}

// TestRights lets a key do what it may, and nothing else.
func TestRights(t *testing.T) {
	t.Parallel()
	i := start(t)
	made, key := i.key(iam.NewKey{
		Name: "app", Kind: iam.SigV4,
		Actions: []string{"bedrock:InvokeModel"}, Resources: []string{"arn:aws:bedrock:*::foundation-model/lab.*"},
	})
	if a := i.do(ask{key: key, body: says("hello")}); a.status != http.StatusOK {
		t.Errorf("allowed: %d %s", a.status, a.body)
	}
	const denied = "AccessDeniedException"
	for name, q := range map[string]ask{
		"another model":    {path: converse(claude), body: says("hello")},
		"a stream":         {path: converseStream(labChat), body: says("hello")},
		"a count":          {path: "/model/" + labChat + "/count-tokens", body: `{"input":{"converse":` + says("hello") + `}}`},
		"a profile":        {path: converse("us." + claude), body: says("hello")},
		"the list":         {path: "/foundation-models", method: http.MethodGet},
		"one model's data": {path: "/foundation-models/" + url.PathEscape(claude), method: http.MethodGet},
	} {
		q.key = key
		i.do(q).wantError(t, name, http.StatusForbidden, denied, made.ARN())
	}
	a := i.do(ask{path: "/openai/v1/chat/completions", key: key, body: `{"model":"` + claude + `","messages":[{"role":"user","content":"hello"}]}`})
	if a.status != http.StatusForbidden || a.openaiError(t).Message == "" {
		t.Errorf("openai: %d %s", a.status, a.body)
	}
}

// TestRevokedMidStream ends an open stream with an exception frame.
func TestRevokedMidStream(t *testing.T) {
	t.Parallel()
	for _, path := range []string{converseStream(labChat), "/model/" + labChat + "/invoke-with-response-stream"} {
		i := start(t)
		made, key := i.key(iam.NewKey{Name: "short", Kind: iam.SigV4, Actions: []string{"bedrock:*"}})
		body := says("slowly")
		if strings.HasSuffix(path, "response-stream") {
			body = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":1000,"messages":[{"role":"user","content":"slowly"}]}`
		}
		resp, err := i.http.Do(i.request(t.Context(), ask{path: path, key: key, body: body}))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // read to its end
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", path, resp.StatusCode)
		}
		begun := make([]byte, 1500) // some frames
		if _, err := io.ReadFull(resp.Body, begun); err != nil {
			t.Fatal(err)
		}
		if _, err := i.identity.store.Revoke(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
		events := frames(t, io.MultiReader(bytes.NewReader(begun), resp.Body))
		last := events[len(events)-1]
		if got := kind(last); got != "validationException" {
			t.Errorf("%s: the last of %d frames is %s %s", path, len(events), got, last.Payload)
		}
		var e struct{ Message string }
		if json.Unmarshal(last.Payload, &e) != nil || !strings.Contains(e.Message, "security token included in the request is invalid") {
			t.Errorf("%s: the exception says %s", path, last.Payload)
		}
		list := i.records()
		if len(list) != 1 {
			t.Fatalf("%s: records %+v", path, list)
		}
		if r := list[0]; r.Completeness != ledger.UpstreamCut || r.ErrorCode != "AccessDeniedException" || r.OutputTokens == 0 || !r.Estimated {
			t.Errorf("%s: record %+v", path, r)
		}
	}
}
