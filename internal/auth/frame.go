package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// eventPayload stands for the body in a request whose body is an event stream: each frame
// of the stream has a signature of its own, over the one before it.
const eventPayload = "STREAMING-AWS4-HMAC-SHA256-EVENTS"

// frames verifies the frames of one input event stream, in order. It is not for
// concurrent use.
type frames struct {
	cache   *keyCache
	cred    *Credential
	scope   credentialScope
	service string
	last    []byte // the signature of the frame before; of the request, for the first
}

func (v *Verifier) newFrames(sig *signature, cred *Credential, service string) *frames {
	seed, _ := hex.DecodeString(sig.value) // it equals one that we wrote in hex
	return &frames{cache: &v.derived, cred: cred, scope: sig.credentialScope, service: service, last: seed}
}

// verify checks one frame: its ":date" header, its payload and its ":chunk-signature".
// A wrong one ends the stream, so what follows cannot be verified either.
func (f *frames) verify(date time.Time, payload, signature []byte) error {
	date = date.UTC()
	scope := f.scope
	scope.Date = date.Format("20060102") // a stream may outlive the day of its request
	key := f.cache.get(f.cred, scope)
	header := sha256.Sum256(dateHeader(date))
	body := sha256.Sum256(payload)
	text := algorithm + "-PAYLOAD\n" + date.Format(isoBasic) + "\n" +
		scope.Date + "/" + scope.Region + "/" + scope.Service + "/" + terminator + "\n" +
		hex.EncodeToString(f.last) + "\n" + hex.EncodeToString(header[:]) + "\n" + hex.EncodeToString(body[:])
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(text))
	want := mac.Sum(nil)
	if !hmac.Equal(want, signature) {
		return newError(f.service, BadSignature, "")
	}
	f.last = want
	return nil
}

// dateHeader is the frame's only signed header in its encoded form: the length of the
// name, the name, type 8 (a time), and milliseconds since 1970.
func dateHeader(date time.Time) []byte {
	const name = ":date"
	b := append([]byte{byte(len(name))}, name...)
	b = append(b, 8)
	return binary.BigEndian.AppendUint64(b, uint64(date.UnixMilli()))
}
