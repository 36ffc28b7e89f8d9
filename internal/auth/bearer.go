package auth

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

const (
	// shortTermPrefix starts an API key that its owner made from an access key, by
	// presigning a request that is never sent.
	shortTermPrefix = "bedrock-api-key-"
	shortTermHost   = "bedrock.amazonaws.com"
	shortTermAction = "CallWithBearerToken"
	maxShortTerm    = 12 * time.Hour

	bedrock = "bedrock" // the signing name of all four Bedrock services

	maxToken = 16 << 10 // a session token inside a short-term key makes it long
)

// verifyBearer verifies an API key of either kind.
func (v *Verifier) verifyBearer(token string, req Request) (Identity, error) {
	service := req.Service
	if !req.Bearer {
		return Identity{}, newError(service, UnknownKey, "API keys are accepted by bedrock and bedrock-runtime only; sign requests to "+service+" with SigV4.")
	}
	if len(token) > maxToken {
		return Identity{}, newError(service, UnknownKey, "")
	}
	if encoded, ok := strings.CutPrefix(token, shortTermPrefix); ok {
		return v.verifyShortTerm(encoded, service)
	}
	cred := v.keys.APIKey(token)
	if cred == nil {
		return Identity{}, newError(service, UnknownKey, "")
	}
	if err := v.checkExpiry(cred, service); err != nil {
		return Identity{}, err
	}
	return Identity{
		Principal:  cred.Principal,
		Revalidate: func() error { return v.revalidate(v.keys.APIKey(token), service) },
	}, nil
}

// verifyShortTerm verifies "bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-…",
// to which the generators add "&Version=1" after signing.
func (v *Verifier) verifyShortTerm(encoded, service string) (Identity, error) {
	bad := func(detail string) error {
		err := newError(service, UnknownKey, "")
		err.Detail = "short-term API key: " + detail
		return err
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return Identity{}, bad("not base64")
	}
	presigned := strings.TrimPrefix(string(decoded), "https://")
	query, ok := strings.CutPrefix(presigned, shortTermHost+"/?")
	if !ok {
		return Identity{}, bad("not a URL of " + shortTermHost)
	}
	query = strings.TrimSuffix(query, "&Version=1")
	if !hasParam(query, "Action="+shortTermAction) {
		return Identity{}, bad("its Action is not " + shortTermAction)
	}
	sig, err := parsePresigned(query, service)
	if err != nil {
		return Identity{}, err
	}
	if sig.expires > maxShortTerm {
		return Identity{}, bad("valid for more than 12 hours")
	}
	return v.verifyToken(query, &sig, service)
}

// verifyToken verifies the request inside a short-term key. Its signature is for the
// bedrock service whatever door it opens.
func (v *Verifier) verifyToken(query string, sig *signature, service string) (Identity, error) {
	end := sig.when.Add(sig.expires)
	if !v.now().Before(end) {
		return Identity{}, newError(service, ExpiredToken, "")
	}
	cred, err := v.credential(sig, bedrock)
	if err != nil {
		return Identity{}, err
	}
	inner := &http.Request{Method: http.MethodPost, Host: shortTermHost, Header: http.Header{}}
	s := signed{http: inner, path: "/", query: query, rule: pathTwice, sig: sig, service: bedrock}
	if err := v.checkSignature(&s, cred); err != nil {
		return Identity{}, err
	}
	id := cred.ID
	return Identity{
		Principal: cred.Principal,
		Region:    strings.Clone(sig.Region),
		Revalidate: func() error {
			if !v.now().Before(end) {
				return newError(service, ExpiredToken, "")
			}
			return v.revalidate(v.keys.AccessKey(id), service)
		},
	}, nil
}

func hasParam(query, param string) bool {
	for p := range strings.SplitSeq(query, "&") {
		if p == param {
			return true
		}
	}
	return false
}
