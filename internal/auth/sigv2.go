package auth

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Signature Version 2 is HMAC-SHA1, which holds
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file verifies presigned URLs of s3 in Signature Version 2, which boto3 and the AWS
// CLI still make by default. It is verified for s3 only, and in URLs only: the form in a
// header is gone from clients.

// isV2 reports whether a query is a presigned URL of version 2.
func isV2(query url.Values) bool {
	return query.Has("AWSAccessKeyId") && query.Has("Signature") && query.Has("Expires")
}

// v2Resources are the parameters that are part of what is signed.
func v2Resources() []string {
	return []string{
		"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging",
		"metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment", "response-cache-control",
		"response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type",
		"response-expires", "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads",
		"versionId", "versioning", "versions", "website",
	}
}

// verifyV2 verifies a presigned URL of version 2.
func (v *Verifier) verifyV2(req Request, path string, query url.Values) (Identity, error) {
	for name, values := range query {
		if len(values) > 1 {
			return Identity{}, newError(serviceS3, AmbiguousRequest, "The query parameter '"+clip(name)+"' is given twice.")
		}
	}
	cred := v.keys.AccessKey(query.Get("AWSAccessKeyId"))
	if cred == nil || cred.Secret == "" {
		return Identity{}, newError(serviceS3, UnknownKey, "")
	}
	token := query.Get("x-amz-security-token")
	if subtle.ConstantTimeCompare([]byte(cred.SessionToken), []byte(token)) != 1 {
		return Identity{}, newError(serviceS3, UnknownKey, "")
	}
	if err := v.checkExpiry(cred, serviceS3); err != nil {
		return Identity{}, err
	}
	seconds, err := strconv.ParseInt(query.Get("Expires"), 10, 64)
	end := time.Unix(seconds, 0)
	if err != nil || seconds < 0 || end.Sub(v.now()) > maxPresigned+skewOf(serviceS3) {
		return Identity{}, newError(serviceS3, Incomplete, "Expires must be a time at most a week away, in seconds since 1970.")
	}
	if v.now().After(end) {
		return Identity{}, newError(serviceS3, ExpiredURL, "")
	}
	if err := checkV2Headers(req.HTTP.Header, query); err != nil {
		return Identity{}, err
	}
	mac := hmac.New(sha1.New, []byte(cred.Secret))
	mac.Write(v2Text(req, path, query))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(want), []byte(query.Get("Signature"))) != 1 {
		return Identity{}, newError(serviceS3, BadSignature, "")
	}
	id := cred.ID
	return Identity{
		Principal:  cred.Principal,
		Revalidate: func() error { return v.revalidate(v.keys.AccessKey(id), serviceS3) },
		Payload:    &Payload{service: serviceS3},
	}, nil
}

// checkV2Headers refuses a header that says other than the parameter of its name does.
func checkV2Headers(h http.Header, query url.Values) error {
	for name, values := range query {
		if sent := h.Get(name); strings.HasPrefix(name, "x-amz-") && sent != "" && sent != values[0] {
			return newError(serviceS3, AmbiguousRequest, "The header '"+clip(name)+"' differs from the query parameter of its name.")
		}
	}
	return nil
}

// v2Text returns the string to sign. Signers move headers into the URL, so each counts
// from either place.
func v2Text(req Request, path string, query url.Values) []byte {
	h := req.HTTP.Header
	of := func(name string) string {
		if q := query.Get(name); q != "" {
			return q
		}
		return h.Get(name)
	}
	var b strings.Builder
	for _, line := range []string{req.HTTP.Method, of("content-md5"), of("content-type"), query.Get("Expires")} {
		b.WriteString(line + "\n")
	}
	amz := map[string]string{}
	for name, values := range h {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			amz[name] = strings.Join(values, ",")
		}
	}
	for name, values := range query {
		if strings.HasPrefix(name, "x-amz-") {
			amz[name] = values[0]
		}
	}
	names := make([]string, 0, len(amz))
	for name := range amz {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(name + ":" + strings.TrimSpace(amz[name]) + "\n")
	}
	if req.HostBucket != "" {
		b.WriteString("/" + req.HostBucket)
	}
	b.WriteString(path)
	sep := "?"
	for _, name := range v2Resources() {
		if !query.Has(name) {
			continue
		}
		b.WriteString(sep + name)
		if value := query.Get(name); value != "" {
			b.WriteString("=" + value)
		}
		sep = "&"
	}
	return []byte(b.String())
}
