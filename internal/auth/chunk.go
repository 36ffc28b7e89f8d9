package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// The forms of x-amz-content-sha256 that announce an aws-chunked body.
const (
	signedChunks        = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedChunksTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	unsignedTrailer     = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// Payload says what a body that is read later has to be, by the request's signature. It is
// for one goroutine.
type Payload struct {
	Hash    string // SHA-256 of the body in lowercase hex; empty: the signature doesn't say
	Chunked bool   // the body is aws-chunked
	Trailer bool   // headers may come after the last chunk
	Signed  bool   // each chunk has a signature, and so has the trailer

	service string
	sig     signature
	key     [sha256.Size]byte
	last    string // the signature of the chunk before; of the request, for the first
}

// deferredPayload returns what s3's clients may promise of a body, and the payload line of
// the canonical request.
func deferredPayload(s *signed) (Payload, error) {
	p := Payload{service: s.service, sig: *s.sig}
	switch line := s.sig.payload; line {
	case "", unsignedPayload:
	case signedChunks:
		p.Chunked, p.Signed = true, true
	case signedChunksTrailer:
		p.Chunked, p.Signed, p.Trailer = true, true, true
	case unsignedTrailer:
		p.Chunked, p.Trailer = true, true
	default:
		_, promised, err := s.payloadHash() // refuses what is none
		if err != nil || !promised {
			return p, err
		}
		p.Hash = strings.ToLower(line)
	}
	return p, nil
}

// begin readies the chain of signatures once the request's own is verified.
func (p *Payload) begin(key [sha256.Size]byte) { p.key, p.last = key, p.sig.value }

// VerifyChunk checks the signature of the next chunk, whose data has the hash sum. The
// last chunk of a body has no data.
func (p *Payload) VerifyChunk(sum [sha256.Size]byte, signature string) error {
	return p.verify("-PAYLOAD", emptyPayload+"\n"+hex.EncodeToString(sum[:]), signature)
}

// VerifyTrailer checks the signature of the trailer: sum is the hash of its headers, each
// as "name:value\n".
func (p *Payload) VerifyTrailer(sum [sha256.Size]byte, signature string) error {
	return p.verify("-TRAILER", hex.EncodeToString(sum[:]), signature)
}

func (p *Payload) verify(kind, hashes, signature string) error {
	text := algorithm + kind + "\n" + p.sig.date + "\n" +
		p.sig.Date + "/" + p.sig.Region + "/" + p.sig.Service + "/" + terminator + "\n" + p.last + "\n" + hashes
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write([]byte(text))
	want := hex.EncodeToString(mac.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 {
		return newError(p.service, BadSignature, "")
	}
	p.last = want
	return nil
}

// Mismatch returns the error of a body whose hash is not Hash.
func (p *Payload) Mismatch() error { return newError(p.service, BodyMismatch, "") }
