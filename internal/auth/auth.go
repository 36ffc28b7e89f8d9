// Package auth verifies who sent an HTTP request: AWS Signature Version 4 in a header or
// in a presigned URL, and bearer API keys as Bedrock has them.
//
// It decides identity and nothing else: what a principal may do is iam's business, and
// where keys come from is behind the Keys interface. Verification is always on; there is
// no way to construct a Verifier that lets a request through unproved.
//
// # What is verified
//
// The canonical request is rebuilt from what arrived on the wire (the raw request
// target, not the decoded path), so that a client that writes "v1%3A0" and one that
// writes "v1:0" are both believed, and neither can be altered on the way. Signers resolve
// "." and ".." segments first, so these must lead nowhere: wire refuses them. The body's
// hash is part of it: a request with an x-amz-content-sha256 header is checked against
// its header before the body is read and against its body afterwards, so an unproved
// sender cannot make the server read 25 MB; without the header the body is read first.
//
// The Host (or, over HTTP/2, :authority) must be signed, and so must X-Amz-Target, which
// selects the operation in AWS's JSON protocols. Other x-amz-* headers may stay unsigned,
// since proxies add some and AWS lets it be for the session token, except with s3, which
// refuses that as the real one does.
//
// # What is refused
//
// Presigned URLs of Signature Version 2 are verified for s3, whose clients still make them.
// SigV4a is refused by name, and so are s3's streaming payload forms (aws-chunked bodies)
// unless the caller says that it reads the body later (Request.Deferred); see Error for how
// failures look to each service's clients. A body that its sender declared
// UNSIGNED-PAYLOAD is believed without a hash, for every service: the declaration is part
// of what was signed.
package auth

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
)

// Credential is one secret that proves a principal. It is not changed once handed out.
type Credential struct {
	ID           string    // access key ID, or the ID of an API key; never secret
	Secret       string    // the SigV4 secret; empty for API keys
	SessionToken string    // must come with every request; empty for long-term keys
	Expires      time.Time // zero: never
	Principal    call.Principal
}

// Keys finds credentials. Both methods answer from memory, are safe for concurrent use
// and return nil for what does not exist or was revoked; an expired credential may be
// returned, so that its owner is told that it expired.
type Keys interface {
	AccessKey(id string) *Credential
	APIKey(token string) *Credential
}

// Config is what a Verifier needs.
type Config struct {
	Keys    Keys             // required
	Regions []string         // regions that a signature may be scoped to; empty: any
	Now     func() time.Time // default time.Now
	Logger  *slog.Logger     // hears of every request that is refused; default: nobody does
}

// Verifier verifies requests. It is safe for concurrent use.
type Verifier struct {
	keys    Keys
	regions []string
	now     func() time.Time
	log     *slog.Logger
	derived keyCache
	canons  canonPool
}

// New returns a Verifier.
func New(c Config) (*Verifier, error) {
	if c.Keys == nil {
		return nil, errors.New("auth: Config.Keys is nil")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Verifier{keys: c.Keys, regions: slices.Clone(c.Regions), now: c.Now, log: c.Logger}, nil
}

// Request is what is to be verified.
type Request struct {
	HTTP    *http.Request
	Service string // the service's signing name: "bedrock", "sts", "s3"

	// Body returns the SHA-256 of the whole body. It is called at most once, and only
	// when the hash is needed; its error is returned as it is. Nil means no body.
	Body func() ([32]byte, error)

	// Streaming says that the body is an event stream, which is read while the operation
	// runs: its frames are signed one by one, see Identity.VerifyFrame. Body is not called.
	Streaming bool

	// Deferred says that the body is read after verification, as s3's are, which may be
	// large: Body is not called, and Identity.Payload says what the reader has to check.
	Deferred bool
	// HostBucket is the bucket that the host names, for s3 in virtual-host style.
	HostBucket string

	// Bearer says that the service accepts API keys, as bedrock and bedrock-runtime do.
	Bearer bool
	// KeyHeader names a header other than Authorization that may carry the API key,
	// "X-Api-Key" for doors that speak Anthropic's API. Empty: none. Needs Bearer.
	KeyHeader string
}

// Identity is a verified sender.
type Identity struct {
	Principal call.Principal
	Region    string // from the signature's scope; empty for a long-term API key
	// Revalidate reports an *Error once the credential is revoked or expired. It never
	// is nil, is cheap, and safe for concurrent use.
	Revalidate func() error
	// VerifyFrame checks the next frame of the event stream of a request with Streaming:
	// the time of its ":date" header, its payload and its ":chunk-signature". It is for
	// one goroutine. Nil for other requests and for API keys, whose frames are not signed.
	VerifyFrame func(date time.Time, payload, signature []byte) error
	// Payload says what the body of a request with Deferred has to be; nil for others.
	Payload *Payload
}

// Verify returns who sent the request, or an *Error (or the error of Request.Body).
func (v *Verifier) Verify(req Request) (Identity, error) {
	id, err := v.verify(req)
	if e, ok := errors.AsType[*Error](err); ok {
		// Its sender reads the message; only who runs the server may see the detail.
		v.log.Info("request refused", "service", req.Service, "remote", req.HTTP.RemoteAddr,
			"code", e.Code, "message", e.Message, "detail", e.Detail)
	}
	return id, err
}

func (v *Verifier) verify(req Request) (Identity, error) {
	r := req.HTTP
	header := r.Header.Get("Authorization")
	if len(r.Header["Authorization"]) > 1 {
		return Identity{}, newError(req.Service, AmbiguousRequest, "The request has more than one Authorization header.")
	}
	if token, ok := bearerToken(header); ok {
		return v.verifyBearer(token, req)
	}
	if header == "" && req.KeyHeader != "" {
		if token := r.Header.Get(req.KeyHeader); token != "" {
			return v.verifyBearer(token, req)
		}
	}
	if path, query := target(r); req.Service == serviceS3 && req.Deferred && header == "" {
		if values, err := url.ParseQuery(query); err == nil && isV2(values) {
			return v.verifyV2(req, path, values)
		}
	}
	return v.verifySigned(req, header)
}

// bearerToken returns what follows "Bearer ", whose case does not matter (RFC 9110).
func bearerToken(header string) (string, bool) {
	const scheme = "Bearer "
	if len(header) < len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	return strings.TrimSpace(header[len(scheme):]), true
}

// checkExpiry refuses a credential whose time is over.
func (v *Verifier) checkExpiry(c *Credential, service string) error {
	if !c.Expires.IsZero() && !v.now().Before(c.Expires) {
		return newError(service, ExpiredToken, "")
	}
	return nil
}
