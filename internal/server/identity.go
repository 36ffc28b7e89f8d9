package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/outcrop-ai/outcrop/internal/api/access"
	"github.com/outcrop-ai/outcrop/internal/api/exception"
	"github.com/outcrop-ai/outcrop/internal/auth"
	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/db"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/gateway"
	"github.com/outcrop-ai/outcrop/internal/gen"
	"github.com/outcrop-ai/outcrop/internal/iam"
	"github.com/outcrop-ai/outcrop/internal/server/config"
	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire"
)

// identity joins auth, iam and the doors: who calls, and what they may do.
type identity struct {
	verifier *auth.Verifier
	store    *iam.Store
}

func newIdentity(ctx context.Context, c config.Config, d *db.DB, log *slog.Logger) (*identity, error) {
	store, err := OpenKeys(ctx, c, d, log)
	if err != nil {
		return nil, err
	}
	verifier, err := auth.New(auth.Config{Keys: store, Regions: c.Regions, Logger: log})
	if err != nil {
		return nil, err
	}
	return &identity{verifier: verifier, store: store}, nil
}

// OpenKeys opens the keys of a data folder, whose database is open.
func OpenKeys(ctx context.Context, c config.Config, d *db.DB, log *slog.Logger) (*iam.Store, error) {
	master, err := c.MasterKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("master_key: %w", err)
	}
	return iam.Open(ctx, iam.Config{DB: d, Dir: c.Data, Account: c.Account, MasterKey: master, Logger: log})
}

// run notices keys that other processes make and revoke, until ctx ends.
func (i *identity) run(ctx context.Context) error { return i.store.Run(ctx) }

// bearer holds the services that take API keys as bearer tokens.
var bearer = map[string]bool{"bedrock": true, "bedrock-runtime": true, "openai": true, "anthropic": true}

// keyHeader names the header in which a service's own clients may send the API key, too.
var keyHeader = map[string]string{"anthropic": "X-Api-Key"}

// authenticate is wire's hook, and the doors'.
func (i *identity) authenticate(_ context.Context, r *wire.AuthRequest) (wire.Identity, error) {
	id, err := i.verifier.Verify(auth.Request{
		HTTP: r.HTTP, Service: r.SigningName, Body: r.BodyHash, Streaming: r.Streaming,
		Bearer: bearer[r.Service], KeyHeader: keyHeader[r.Service],
	})
	if err != nil {
		return wire.Identity{}, err
	}
	return wire.Identity{
		Principal: id.Principal, Region: id.Region, Revalidate: denying(id.Revalidate), VerifyFrame: id.VerifyFrame,
	}, nil
}

// authenticateS3 proves who has sent a request whose body the S3 endpoint reads.
func (i *identity) authenticateS3(r *http.Request, hostBucket string) (auth.Identity, error) {
	return i.verifier.Verify(auth.Request{HTTP: r, Service: "s3", Deferred: true, HostBucket: hostBucket})
}

// allowS3 asks for an action on a bucket or an object.
func (i *identity) allowS3(ctx context.Context, p call.Principal, action, resource string, keys map[string][]string) error {
	return i.store.Authorize(ctx, p, iam.Access{Actions: []string{action}, Resources: []string{resource}, Context: keys})
}

// denying makes a fault of a credential that went bad while its call was served: the
// call is past authentication, and ends as one that is no longer allowed.
func denying(revalidate func() error) func() error {
	return func() error {
		err := revalidate()
		if e, ok := errors.AsType[*auth.Error](err); ok {
			return fault.Wrap(fault.Denied, err, "The call was ended: "+e.Message)
		}
		return err
	}
}

// authorize is wire's hook. Calls of models pass: the gateway asks for those.
func (i *identity) authorize(ctx context.Context, c *call.Call, _ *smithy.Operation, in smithy.Struct) error {
	return i.allow(ctx, c.Principal, access.Of(c, in))
}

// allow asks for what an operation needs; nothing needed is allowed.
func (i *identity) allow(ctx context.Context, p call.Principal, n access.Needs) error {
	if n.Action == "" {
		return nil
	}
	return i.store.Authorize(ctx, p, iam.Access{Actions: []string{n.Action}, Resources: n.Resources})
}

// forGateway is the authorizer in the gateway's terms.
func (i *identity) forGateway() gateway.Authorizer { return gatewayAuthorizer{i.store} }

type gatewayAuthorizer struct{ store *iam.Store }

// Authorize implements gateway.Authorizer.
func (a gatewayAuthorizer) Authorize(ctx context.Context, p call.Principal, need gateway.Access) error {
	return a.store.Authorize(ctx, p, iam.Access(need))
}

// exceptions is wire's hook that turns errors into a service's exceptions. Internal
// errors are logged here: it is the last place that knows their text.
func exceptions(log *slog.Logger) func(service string, err error) error {
	mappers := map[string]*exception.Mapper{}
	for _, m := range gen.Models() {
		mappers[m.Name] = exception.For(m.Name)
	}
	return func(service string, err error) error {
		if fault.KindOf(err) == fault.Internal && !exception.Known(err) {
			log.Error("internal error", "service", service, "err", err)
		}
		m := mappers[service]
		if m == nil {
			m = exception.For(service)
		}
		return m.Map(err)
	}
}
