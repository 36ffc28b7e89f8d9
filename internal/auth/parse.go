package auth

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	algorithmV4 = "AWS4-ECDSA-P256-SHA256" // SigV4a
	terminator  = "aws4_request"
	isoBasic    = "20060102T150405Z"
)

// credentialScope is what a signature says about itself before anybody believes it: which
// key, for which day, region and service.
type credentialScope struct {
	AccessKeyID string
	Date        string // "20260131"
	Region      string
	Service     string // signing name
}

// signature is a parsed signature of either form.
type signature struct {
	credentialScope
	presigned     bool
	date          string // as the string to sign has it: "20260131T235959Z"
	when          time.Time
	expires       time.Duration // presigned only
	signedHeaders string
	value         string // lowercase hex
	token         string // session token; empty when there is none
	payload       string // x-amz-content-sha256; empty when there is none
}

// parseSignature finds the signature in the request. The error is an *Error.
func parseSignature(r *http.Request, query, header, service string) (signature, error) {
	inQuery := strings.Contains(query, "X-Amz-Algorithm=") || strings.Contains(query, "X-Amz-Signature=")
	var sig signature
	var err error
	switch {
	case header != "" && inQuery:
		return sig, newError(service, AmbiguousRequest, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header should be specified")
	case inQuery:
		sig, err = parsePresigned(query, service)
	case header != "":
		sig, err = parseHeader(r, header, service)
	default:
		return sig, newError(service, MissingToken, "")
	}
	if err != nil {
		return sig, err
	}
	if sig.token == "" {
		sig.token = r.Header.Get("X-Amz-Security-Token")
	}
	if p := r.Header.Get("X-Amz-Content-Sha256"); p != "" {
		sig.payload = p
	}
	return sig, nil
}

// parseHeader reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
func parseHeader(r *http.Request, header, service string) (signature, error) {
	var sig signature
	name, _, _ := strings.Cut(header, " ")
	if err := checkAlgorithm(name, service); err != nil {
		return sig, err
	}
	credential := authorizationField(header, "Credential=")
	sig.value = authorizationField(header, "Signature=")
	sig.signedHeaders = authorizationField(header, "SignedHeaders=")
	date := r.Header.Get("X-Amz-Date")
	if date == "" {
		date = r.Header.Get("Date")
	}
	var missing strings.Builder
	for _, part := range []struct{ name, value string }{
		{"Credential", credential}, {"Signature", sig.value}, {"SignedHeaders", sig.signedHeaders},
	} {
		if part.value == "" {
			missing.WriteString("Authorization header requires '" + part.name + "' parameter. ")
		}
	}
	if date == "" {
		missing.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if missing.Len() > 0 {
		return sig, newError(service, Incomplete, strings.TrimSpace(missing.String()))
	}
	if err := sig.setCredential(credential, service); err != nil {
		return sig, err
	}
	return sig, sig.setDate(date, service)
}

// authorizationField returns the value of one "Name=value" of the header's comma- or
// space-separated list.
func authorizationField(header, name string) string {
	for rest := header; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return ""
		}
		// "Signature=" must not be found inside another word.
		if before := rest[:i]; before == "" || strings.HasSuffix(before, " ") || strings.HasSuffix(before, ",") {
			value := rest[i+len(name):]
			if end := strings.IndexAny(value, ", "); end >= 0 {
				value = value[:end]
			}
			return value
		}
		rest = rest[i+len(name):]
	}
}

func checkAlgorithm(name, service string) error {
	switch name {
	case algorithm:
		return nil
	case algorithmV4:
		return newError(service, UnsupportedForm, "SigV4a ("+algorithmV4+") is not supported here: sign with "+algorithm+".")
	}
	return newError(service, Incomplete, "Unsupported AWS 'algorithm': '"+clip(name)+"'.")
}

func (s *signature) setCredential(credential, service string) error {
	scope, term, ok := parseCredential(credential)
	if !ok {
		return newError(service, Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '"+clip(credential)+"'")
	}
	if term != terminator {
		return newError(service, BadSignature, "Credential should be scoped with a valid terminator: '"+terminator+"', not '"+clip(term)+"'.")
	}
	s.credentialScope = scope
	return nil
}

// parseCredential splits "keyid/date/region/service/term".
func parseCredential(s string) (scope credentialScope, term string, ok bool) {
	if strings.Count(s, "/") != 4 {
		return credentialScope{}, "", false
	}
	scope.AccessKeyID, s, _ = strings.Cut(s, "/")
	scope.Date, s, _ = strings.Cut(s, "/")
	scope.Region, s, _ = strings.Cut(s, "/")
	scope.Service, term, _ = strings.Cut(s, "/")
	return scope, term, scope.AccessKeyID != ""
}

// setDate takes the X-Amz-Date, or a Date header in any of HTTP's formats.
func (s *signature) setDate(date, service string) error {
	when, err := time.Parse(isoBasic, date)
	s.date = date
	if err != nil {
		if when, err = http.ParseTime(date); err != nil {
			return newError(service, Incomplete, "Date must be in ISO-8601 'basic format'. Got '"+clip(date)+"'. See http://en.wikipedia.org/wiki/ISO_8601")
		}
		s.date = when.UTC().Format(isoBasic)
	}
	s.when = when
	if s.Date != s.date[:8] {
		return newError(service, BadSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+
			clip(s.Date)+"' != '"+s.date[:8]+"', from '"+s.date+"'.")
	}
	return nil
}

// maxPresigned is how long a presigned URL may hold: a week.
const maxPresigned = 7 * 24 * time.Hour

// parsePresigned reads the X-Amz-* parameters of a query.
func parsePresigned(query, service string) (signature, error) {
	sig := signature{presigned: true}
	var alg, credential, date, expires string
	fields := []struct {
		name  string
		value *string
		found bool
	}{
		{"X-Amz-Algorithm", &alg, false},
		{"X-Amz-Credential", &credential, false},
		{"X-Amz-Signature", &sig.value, false},
		{"X-Amz-SignedHeaders", &sig.signedHeaders, false},
		{"X-Amz-Date", &date, false},
		{"X-Amz-Expires", &expires, false},
		{"X-Amz-Security-Token", &sig.token, false},
		{"X-Amz-Content-Sha256", &sig.payload, false},
	}
	const required = 5 // X-Amz-Expires too is, for s3: see below
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		for i := range fields {
			f := &fields[i]
			if name != f.name {
				continue
			}
			decoded, err := url.QueryUnescape(value)
			if err != nil {
				return sig, newError(service, Incomplete, "The query parameter '"+f.name+"' is not well-formed.")
			}
			if f.found {
				return sig, newError(service, AmbiguousRequest, "The query parameter '"+f.name+"' is given twice.")
			}
			f.found, *f.value = true, decoded
		}
	}
	var missing strings.Builder
	for _, f := range fields[:required] {
		if *f.value == "" {
			missing.WriteString("AWS query-string parameters must include '" + f.name + "'. ")
		}
	}
	if missing.Len() > 0 {
		return sig, newError(service, Incomplete, missing.String()+"Re-examine the query-string parameters.")
	}
	if err := checkAlgorithm(alg, service); err != nil {
		return sig, err
	}
	if err := sig.setCredential(credential, service); err != nil {
		return sig, err
	}
	if err := sig.setExpires(expires, service); err != nil {
		return sig, err
	}
	return sig, sig.setDate(date, service)
}

// setExpires takes X-Amz-Expires. Without one, the URL holds as long as a signed header.
func (s *signature) setExpires(expires, service string) error {
	if expires == "" {
		s.expires = skewOf(service)
		return nil
	}
	seconds, err := strconv.Atoi(expires)
	s.expires = time.Duration(seconds) * time.Second
	if err != nil || seconds < 0 || s.expires > maxPresigned {
		return newError(service, Incomplete, "X-Amz-Expires must be a number of seconds between 0 and 604800 (a week), got '"+clip(expires)+"'.")
	}
	return nil
}

// clip shortens foreign text for a message.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.ToValidUTF8(s, "")
}

// target returns the raw path and query of the request as they arrived.
func target(r *http.Request) (path, query string) {
	raw := r.RequestURI
	if raw == "" && r.URL != nil { // not from a server
		return r.URL.EscapedPath(), r.URL.RawQuery
	}
	if !strings.HasPrefix(raw, "/") { // absolute form: http://host/path
		if i := strings.Index(raw, "://"); i >= 0 {
			raw = raw[i+len("://"):]
			if i := strings.IndexAny(raw, "/?"); i >= 0 {
				raw = raw[i:]
			} else {
				raw = ""
			}
		}
	}
	path, query, _ = strings.Cut(raw, "?")
	return path, query
}
