package auth

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// shortTerm makes a token as AWS's own generators do, with the official signer.
func shortTerm(tb testing.TB, cred *Credential, at time.Time, query string) string {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "https://bedrock.amazonaws.com/?"+query, nil)
	if err != nil {
		tb.Fatal(err)
	}
	signed, _, err := v4.NewSigner().PresignHTTP(tb.Context(),
		aws.Credentials{AccessKeyID: cred.ID, SecretAccessKey: cred.Secret, SessionToken: cred.SessionToken},
		r, emptyPayload, "bedrock", "eu-west-1", at)
	if err != nil {
		tb.Fatal(err)
	}
	return shortTermPrefix + base64.StdEncoding.EncodeToString([]byte(strings.TrimPrefix(signed, "https://")+"&Version=1"))
}

func bearerRequest(token string) Request {
	return Request{
		HTTP:    &http.Request{Method: http.MethodPost, RequestURI: "/model/x/converse", Header: http.Header{"Authorization": {"Bearer " + token}}},
		Service: "bedrock", Bearer: true,
	}
}

const twelveHours = "Action=CallWithBearerToken&X-Amz-Expires=43200"

func TestShortTermKey(t *testing.T) {
	t.Parallel()
	for _, session := range []string{"", "a+session/token=="} {
		cred := testCredential()
		cred.SessionToken = session
		keys := &struct{ testKeys }{testKeys{cred: cred}}
		clock := now
		v, err := New(Config{Keys: keys, Regions: []string{"eu-west-1"}, Now: func() time.Time { return clock }})
		if err != nil {
			t.Fatal(err)
		}
		token := shortTerm(t, cred, now, twelveHours)
		id, err := v.Verify(bearerRequest(token))
		if err != nil {
			t.Fatal(err)
		}
		if id.Principal != cred.Principal || id.Region != "eu-west-1" {
			t.Errorf("got %+v in %q", id.Principal, id.Region)
		}
		clock = now.Add(12*time.Hour - time.Second)
		if _, err := v.Verify(bearerRequest(token)); err != nil {
			t.Errorf("just before its end: %v", err)
		}
		clock = now.Add(12 * time.Hour)
		for what, err := range map[string]error{"verify": verifyOnly(v, token), "revalidate": id.Revalidate()} {
			if e, ok := errors.AsType[*Error](err); !ok || e.Code != "ExpiredTokenException" {
				t.Errorf("%s at its end: got %v", what, err)
			}
		}
		clock, keys.cred = now, nil
		for what, err := range map[string]error{"verify": verifyOnly(v, token), "revalidate": id.Revalidate()} {
			if e, ok := errors.AsType[*Error](err); !ok || e.Code != "UnrecognizedClientException" {
				t.Errorf("%s after the access key was revoked: got %v", what, err)
			}
		}
	}
}

func verifyOnly(v *Verifier, token string) error {
	_, err := v.Verify(bearerRequest(token))
	return err
}

func TestShortTermKeyRefused(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	v := newVerifier(t, testKeys{cred: cred}, now, "eu-west-1")
	f := func(name, token, want string) {
		t.Helper()
		e, ok := errors.AsType[*Error](verifyOnly(v, token))
		if !ok || e.Code != want {
			t.Errorf("%s: got %v, want %s", name, e, want)
		}
	}
	encode := func(s string) string { return shortTermPrefix + base64.StdEncoding.EncodeToString([]byte(s)) }
	good := shortTerm(t, cred, now, twelveHours)
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(good, shortTermPrefix))
	if err != nil {
		t.Fatal(err)
	}
	const unknown = "UnrecognizedClientException"
	f("empty", shortTermPrefix, unknown)
	f("not base64", shortTermPrefix+"!!!", unknown)
	f("other host", encode("example.com/?"+twelveHours), unknown)
	f("other action", shortTerm(t, cred, now, "Action=GetCallerIdentity&X-Amz-Expires=60"), unknown)
	f("thirteen hours", shortTerm(t, cred, now, "Action=CallWithBearerToken&X-Amz-Expires=46800"), unknown)
	f("not signed", encode("bedrock.amazonaws.com/?Action=CallWithBearerToken&Version=1"), "IncompleteSignatureException")
	f("future", shortTerm(t, cred, now.Add(time.Hour), twelveHours), "InvalidSignatureException")
	f("region", encode(strings.Replace(string(text), "eu-west-1", "us-east-1", 1)), "InvalidSignatureException")
	f("longer", encode(strings.Replace(string(text), "43200", "43199", 1)), "InvalidSignatureException")
	f("extra parameter", encode(string(text)+"&x=y"), "InvalidSignatureException")
	f("huge", shortTermPrefix+strings.Repeat("A", maxToken), unknown)
}

func TestLongTermKey(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	keys := &struct{ testKeys }{testKeys{cred: cred, apiKey: "ABSKexample"}}
	v := newVerifier(t, keys, now)
	id, err := v.Verify(bearerRequest("ABSKexample"))
	if err != nil {
		t.Fatal(err)
	}
	if id.Principal != cred.Principal || id.Region != "" {
		t.Errorf("got %+v in %q", id.Principal, id.Region)
	}
	lower := bearerRequest("")
	lower.HTTP.Header.Set("Authorization", "bearer  ABSKexample ")
	if _, err := v.Verify(lower); err != nil {
		t.Errorf("lower-case scheme: %v", err)
	}
	anthropic := Request{
		HTTP:    &http.Request{Method: http.MethodPost, RequestURI: "/anthropic/v1/messages", Header: http.Header{"X-Api-Key": {"ABSKexample"}}},
		Service: "bedrock", Bearer: true, KeyHeader: "X-Api-Key",
	}
	if _, err := v.Verify(anthropic); err != nil {
		t.Errorf("x-api-key: %v", err)
	}
	anthropic.KeyHeader = ""
	if e, ok := errors.AsType[*Error](func() error { _, err := v.Verify(anthropic); return err }()); !ok || e.Reason != MissingToken {
		t.Errorf("x-api-key where it is not accepted: got %v", e)
	}
	expired := *cred
	expired.Expires = now
	keys.cred = &expired
	for what, err := range map[string]error{"verify": verifyOnly(v, "ABSKexample"), "revalidate": id.Revalidate()} {
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != "ExpiredTokenException" {
			t.Errorf("%s when expired: got %v", what, err)
		}
	}
	for _, token := range []string{"", "ABSK", "ABSKexample0", "absKexample"} {
		if e, ok := errors.AsType[*Error](verifyOnly(v, token)); !ok || e.Code != "UnrecognizedClientException" {
			t.Errorf("token %q: got %v", token, e)
		}
	}
}

// An x-api-key must have "Bearer" set: KeyHeader alone opens nothing.
func TestKeyHeaderNeedsBearer(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, testKeys{cred: testCredential(), apiKey: "ABSKexample"}, now)
	_, err := v.Verify(Request{
		HTTP:    &http.Request{RequestURI: "/", Header: http.Header{"X-Api-Key": {"ABSKexample"}}},
		Service: "sts", KeyHeader: "X-Api-Key",
	})
	if err == nil {
		t.Error("sts accepted an API key")
	}
}
