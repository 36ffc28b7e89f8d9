package auth

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func TestSignedFrames(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	o := options()
	o.payload, o.sendHash = eventPayload, true
	v := newVerifier(t, testKeys{cred: cred}, now)
	type frame struct {
		at      time.Time
		payload string
	}
	sent := []frame{{now, "one"}, {now.Add(1500 * time.Millisecond), ""}, {now.Add(13 * time.Hour), "the next day"}, {now.Add(14 * time.Hour), "last"}}

	// open returns a verifier and the official signer of the same stream.
	open := func() (verify func(time.Time, []byte, []byte) error, signer *v4.StreamSigner) {
		t.Helper()
		r := signedRequest(t, cred, o)
		id, err := v.Verify(Request{HTTP: r, Service: "bedrock", Streaming: true})
		if err != nil {
			t.Fatal(err)
		}
		if id.VerifyFrame == nil {
			t.Fatal("the frames are not verified")
		}
		seed, err := v4.GetSignedRequestSignature(r)
		if err != nil {
			t.Fatal(err)
		}
		return id.VerifyFrame, v4.NewStreamSigner(aws.Credentials{AccessKeyID: cred.ID, SecretAccessKey: cred.Secret}, "bedrock", "us-east-1", seed)
	}
	sign := func(s *v4.StreamSigner, f frame) []byte {
		t.Helper()
		sig, err := s.GetSignature(t.Context(), dateHeader(f.at), []byte(f.payload), f.at)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	verify, signer := open()
	for i, f := range sent {
		if err := verify(f.at, []byte(f.payload), sign(signer, f)); err != nil {
			t.Errorf("frame %d: %v", i, err)
		}
	}
	refused := func(what string, err error) {
		t.Helper()
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != "InvalidSignatureException" {
			t.Errorf("%s: got %v", what, err)
		}
	}
	verify, signer = open()
	sig := sign(signer, sent[0])
	refused("another payload", verify(sent[0].at, []byte("two"), sig))
	refused("another date", verify(sent[0].at.Add(time.Millisecond), []byte("one"), sig))
	refused("no signature", verify(sent[0].at, []byte("one"), nil))
	sig[0]++
	refused("another signature", verify(sent[0].at, []byte("one"), sig))
	sig[0]--
	if err := verify(sent[0].at, []byte("one"), sig); err != nil {
		t.Error(err)
	}
	refused("the same frame again", verify(sent[0].at, []byte("one"), sig))
	second, third := sign(signer, sent[1]), sign(signer, sent[2])
	refused("a frame left out", verify(sent[2].at, []byte(sent[2].payload), third))
	if err := verify(sent[1].at, nil, second); err != nil {
		t.Error(err)
	}
}

func TestEventStreamNeedsItsPayloadForm(t *testing.T) {
	t.Parallel()
	cred := testCredential()
	v := newVerifier(t, testKeys{cred: cred}, now)
	for _, payload := range []string{"", unsignedPayload, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", hex.EncodeToString(make([]byte, 32))} {
		o := options()
		o.payload, o.sendHash = payload, payload != ""
		_, err := v.Verify(Request{HTTP: signedRequest(t, cred, o), Service: "bedrock", Streaming: true})
		if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(e.Message, eventPayload) {
			t.Errorf("%q: got %v", payload, err)
		}
	}
	o := options()
	o.payload, o.sendHash = eventPayload, true
	if _, err := v.Verify(o.request(signedRequest(t, cred, o))); err == nil {
		t.Error("the form of event streams was accepted for another operation")
	}
	id, err := newVerifier(t, testKeys{cred: cred, apiKey: "ABSKx"}, now).Verify(func() Request { r := bearerRequest("ABSKx"); r.Streaming = true; return r }())
	if err != nil || id.VerifyFrame != nil {
		t.Errorf("an API key's frames have no signatures: got %v", err)
	}
}
