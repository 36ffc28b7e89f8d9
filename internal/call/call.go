// Package call carries the one request being served through every room above it:
// who asks, for what, where. wire creates it, auth's result is put into it, and
// the api rooms, the gateway and the ledger read it.
//
// It is the only value Outcrop keeps in a context, with a typed accessor.
package call

import (
	"context"
	"net/http"
	"time"
)

// Principal is a verified identity. The zero value is nobody.
type Principal struct {
	ARN         string // arn:aws:iam::123456789012:root, …:user/alice
	Account     string // twelve digits
	UserID      string // what sts calls UserId: the account for root, AIDA… for users
	AccessKeyID string // the access key or API key ID that proved it; never a secret
	Root        bool   // the account's root: allowed everything unless explicitly denied
}

// Call is one request. It is filled before the handler runs and not changed
// afterwards, but for Header, which the handler may add to until it returns.
type Call struct {
	RequestID string // also x-amzn-requestid
	Service   string // "bedrock-runtime", "bedrock", "sts", "openai", …
	Operation string // "Converse"
	Region    string // from the signature's scope
	Account   string // the caller's account
	Principal Principal
	Start     time.Time   // when the request line was read
	Header    http.Header // extra response headers, e.g. x-outcrop-served-by

	// Revalidate reports an error once the credential that opened this call is
	// no longer good (revoked or expired); nil means it never goes bad. Long
	// streams ask it between events. It is cheap and safe for concurrent use.
	Revalidate func() error
}

type key struct{}

// With returns a context that carries c.
func With(ctx context.Context, c *Call) context.Context { return context.WithValue(ctx, key{}, c) }

// From returns the call that ctx carries, or an empty one that is not shared, so
// that callers need no nil check.
func From(ctx context.Context) *Call {
	if c, ok := ctx.Value(key{}).(*Call); ok {
		return c
	}
	return &Call{Header: http.Header{}}
}
