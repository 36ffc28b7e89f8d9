package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	serviceS3 = "s3"

	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptyPayload    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of nothing
)

// skewOf is how far a signature's time may be from ours.
func skewOf(service string) time.Duration {
	if service == serviceS3 {
		return 15 * time.Minute
	}
	return 5 * time.Minute
}

func pathRuleOf(service string) pathRule {
	if service == serviceS3 {
		return pathOnce
	}
	return pathTwice
}

// verifySigned verifies a signature in the header or in the query.
func (v *Verifier) verifySigned(req Request, header string) (Identity, error) {
	r, service := req.HTTP, req.Service
	path, query := target(r)
	sig, err := parseSignature(r, query, header, service)
	if err != nil {
		return Identity{}, err
	}
	cred, err := v.credential(&sig, service)
	if err != nil {
		return Identity{}, err
	}
	s := signed{http: r, path: path, query: query, rule: pathRuleOf(service), sig: &sig, service: service, body: req.Body, events: req.Streaming}
	if req.Deferred {
		p, err := deferredPayload(&s)
		if err != nil {
			return Identity{}, err
		}
		s.deferred = &p
	}
	if err := v.checkSignature(&s, cred); err != nil {
		return Identity{}, err
	}
	id := cred.ID
	who := Identity{
		Principal:  cred.Principal,
		Region:     sig.Region,
		Revalidate: func() error { return v.revalidate(v.keys.AccessKey(id), service) },
	}
	who.Payload = s.deferred
	if req.Streaming {
		who.VerifyFrame = v.newFrames(&sig, cred, service).verify
	}
	return who, nil
}

func (v *Verifier) revalidate(c *Credential, service string) error {
	if c == nil {
		return newError(service, UnknownKey, "")
	}
	return v.checkExpiry(c, service)
}

// credential finds the key that signed, and checks what must hold of it and of the
// signature's scope before the signature is worth computing.
func (v *Verifier) credential(sig *signature, service string) (*Credential, error) {
	cred := v.keys.AccessKey(sig.AccessKeyID)
	if cred == nil || cred.Secret == "" {
		return nil, newError(service, UnknownKey, "")
	}
	if subtle.ConstantTimeCompare([]byte(cred.SessionToken), []byte(sig.token)) != 1 {
		err := newError(service, UnknownKey, "")
		if cred.SessionToken == "" {
			err.Detail = "a session token came with an access key that has none: unset AWS_SESSION_TOKEN"
		}
		return nil, err
	}
	if err := v.checkExpiry(cred, service); err != nil {
		return nil, err
	}
	if sig.Service != service {
		return nil, newError(service, BadSignature, "Credential should be scoped to correct service: '"+service+"'.")
	}
	if !v.validRegion(sig.Region, service) {
		return nil, newError(service, BadSignature, "Credential should be scoped to a valid region.")
	}
	return cred, v.checkTime(sig, service)
}

// validRegion also lets the global endpoints of iam and sts be, which are in us-east-1
// wherever the rest is.
func (v *Verifier) validRegion(region, service string) bool {
	if len(v.regions) == 0 {
		return region != ""
	}
	return slices.Contains(v.regions, region) || region == "us-east-1" && (service == "iam" || service == "sts")
}

func (v *Verifier) checkTime(sig *signature, service string) error {
	now, skew := v.now(), skewOf(service)
	format := func(t time.Time) string { return t.UTC().Format(isoBasic) }
	minutes := strconv.Itoa(int(skew / time.Minute))
	if latest := now.Add(skew); sig.when.After(latest) {
		return newError(service, Skewed, "Signature not yet current: "+sig.date+" is still later than "+
			format(latest)+" ("+format(now)+" + "+minutes+" min.)")
	}
	if sig.presigned {
		if end := sig.when.Add(sig.expires); now.After(end) {
			return newError(service, ExpiredURL, "Signature expired: "+format(end)+" is now earlier than "+format(now)+
				" ("+sig.date+" + "+strconv.Itoa(int(sig.expires/time.Second))+" sec.)")
		}
		return nil
	}
	if earliest := now.Add(-skew); sig.when.Before(earliest.Truncate(time.Second)) {
		return newError(service, Skewed, "Signature expired: "+sig.date+" is now earlier than "+
			format(earliest)+" ("+format(now)+" - "+minutes+" min.)")
	}
	return nil
}

// checkSignature computes the signature and compares, then checks the body against the
// hash that was signed.
func (v *Verifier) checkSignature(s *signed, cred *Credential) error {
	if err := s.checkHeaders(); err != nil {
		return err
	}
	payload, promised, err := s.payloadHash()
	if err != nil {
		return err
	}
	c := v.canons.get()
	defer v.canons.put(c)
	key := v.derived.get(cred, s.sig.credentialScope)
	c.write(s, payload)
	ok := s.sig.matches(c.buf, &key)
	if !ok && s.sig.presigned && s.sig.token != "" {
		// Some signers add the session token to the URL after signing it. Whether it is
		// signed does not matter: it was compared with the credential's already.
		c.write(s, payload, "X-Amz-Security-Token")
		ok = s.sig.matches(c.buf, &key)
	}
	if !ok {
		err := newError(s.service, BadSignature, "")
		if s.sig.token == "" { // a session token is a secret, and part of this text
			err.Detail = "canonical request: " + strconv.Quote(string(c.buf[:min(len(c.buf), maxDetail)]))
		}
		return err
	}
	switch {
	case s.deferred != nil:
		s.deferred.begin(key)
	case promised:
		return s.checkBody(payload)
	}
	return nil
}

// maxDetail bounds what a sender can put into the logs.
const maxDetail = 2048

// matches compares the signature in constant time.
func (s *signature) matches(canonical []byte, key *[sha256.Size]byte) bool {
	want := s.compute(canonical, key)
	return subtle.ConstantTimeCompare(want[:], []byte(s.value)) == 1
}

// compute returns the signature of a canonical request, in lowercase hex.
func (s *signature) compute(canonical []byte, key *[sha256.Size]byte) (value [2 * sha256.Size]byte) {
	sum := sha256.Sum256(canonical)
	var room [256]byte
	text := append(room[:0], algorithm...)
	text = append(text, '\n')
	text = append(text, s.date...)
	text = append(text, '\n')
	text = append(text, s.Date...)
	text = append(text, '/')
	text = append(text, s.Region...)
	text = append(text, '/')
	text = append(text, s.Service...)
	text = append(text, "/"+terminator+"\n"...)
	text = hex.AppendEncode(text, sum[:])
	mac := hmac.New(sha256.New, key[:])
	mac.Write(text)
	var raw [sha256.Size]byte
	hex.Encode(value[:], mac.Sum(raw[:0]))
	return value
}

// payloadHash returns the payload line of the canonical request. promised says that the
// hash was taken from the request and the body has yet to be checked against it.
func (s *signed) payloadHash() (hash string, promised bool, err error) {
	isS3 := s.service == serviceS3
	switch p := s.sig.payload; {
	case s.events && p == eventPayload:
		return p, false, nil
	case s.events:
		return "", false, newError(s.service, Incomplete, "x-amz-content-sha256 must be "+eventPayload+" in a request that sends an event stream, got '"+clip(p)+"'.")
	case p == unsignedPayload:
		return p, false, nil
	case s.deferred != nil && p != "":
		return p, false, nil // checked before
	case p == "" && isS3 && s.sig.presigned:
		return unsignedPayload, false, nil
	case p == "" && isS3:
		return "", false, newError(s.service, Incomplete, "Missing required header for this request: x-amz-content-sha256")
	case p == "":
		sum, err := s.bodySum()
		return sum, false, err
	case strings.HasPrefix(p, "STREAMING-"):
		return "", false, newError(s.service, UnsupportedForm, "The streaming payload form '"+clip(p)+"' is not supported here: send the body whole, with its SHA-256 in x-amz-content-sha256.")
	case len(p) != 2*sha256.Size || strings.Trim(p, "0123456789abcdefABCDEF") != "":
		return "", false, newError(s.service, Incomplete, "x-amz-content-sha256 must be "+unsignedPayload+" or a valid sha256 value, got '"+clip(p)+"'.")
	default:
		return p, true, nil
	}
}

func (s *signed) bodySum() (string, error) {
	if s.body == nil {
		return emptyPayload, nil
	}
	sum, err := s.body()
	return hex.EncodeToString(sum[:]), err
}

func (s *signed) checkBody(promised string) error {
	got, err := s.bodySum()
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(got), []byte(strings.ToLower(promised))) != 1 {
		return newError(s.service, BodyMismatch, "")
	}
	return nil
}

// checkHeaders refuses a list that is not in its canonical form and one that lacks
// what must be signed.
func (s *signed) checkHeaders() error {
	host, target, last := false, false, ""
	for name := range strings.SplitSeq(s.sig.signedHeaders, ";") {
		if name <= last || strings.ToLower(name) != name {
			return newError(s.service, Incomplete, "SignedHeaders must be lowercase names in order, without repeats, got '"+clip(s.sig.signedHeaders)+"'.")
		}
		host = host || name == "host" || name == ":authority"
		target = target || name == "x-amz-target"
		last = name
	}
	switch {
	case !host:
		return newError(s.service, BadSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	case !target && len(s.http.Header["X-Amz-Target"]) > 0:
		return newError(s.service, BadSignature, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.")
	case s.service == serviceS3:
		return s.checkAllSigned()
	}
	return nil
}

// checkAllSigned is s3's rule: every x-amz-* header that is sent is signed.
func (s *signed) checkAllSigned() error {
	names := strings.Split(s.sig.signedHeaders, ";")
	for name := range s.http.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(names, name) {
			return newError(serviceS3, UnsignedHeaders, "")
		}
	}
	return nil
}
