package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/catalog"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// servedBy is the header that names who answers, in http.Header's spelling.
const servedBy = "X-Outcrop-Served-By"

// Invocation is one call on its way. It belongs to the goroutine that serves the
// call; stages read it and call Serve.
type Invocation struct {
	Call  *call.Call
	Start time.Time         // when the request was read
	Asked string            // the model as the caller wrote it
	Model *catalog.Resolved // nil until it is resolved

	g        *Gateway
	routes   *routes
	served   llm.Served
	attempts int
	stream   bool
	metadata map[string]string
	settle   func(llm.Usage)

	usage      llm.Usage
	firstToken time.Duration
	yielded    bool // the caller has seen an event
	complete   bool
	err        error // how it ended, when it was not answered
}

// begin opens an invocation; its end must follow. The record is written at the
// end whatever happens in between, a panic included.
func (g *Gateway) begin(ctx context.Context, asked string) *Invocation {
	g.recorder.Begin()
	return g.invocation(ctx, asked)
}

// invocation makes one that is not recorded.
func (g *Gateway) invocation(ctx context.Context, asked string) *Invocation {
	c := call.From(ctx)
	inv := &Invocation{Call: c, Start: c.Start, Asked: asked, g: g, routes: g.routes.Load()}
	if inv.Start.IsZero() {
		inv.Start = time.Now()
	}
	return inv
}

// Served returns who answers; empty until that is known.
func (inv *Invocation) Served() llm.Served { return inv.served }

// Serve says who answers the call: in its record, in its MessageStart and in the
// response header. It has to come before the first event.
func (inv *Invocation) Serve(s llm.Served) { inv.serve(s, nil) }

// serve is Serve with the header's values where they are at hand. They are shared.
func (inv *Invocation) serve(s llm.Served, values []string) {
	inv.served = s
	if values == nil {
		values = header(s)
	}
	if inv.Call.Header == nil { // a call that no door made
		inv.Call.Header = http.Header{}
	}
	inv.Call.Header[servedBy] = values
}

// header returns the values of the header. Names of models come from configurations and
// from servers that were found: whatever they hold, they make one line.
func header(s llm.Served) []string {
	s.Backend, s.Model = headerSafe(s.Backend), headerSafe(s.Model)
	return []string{s.String()}
}

// resolve finds the model and asks whether the caller may use it.
func (inv *Invocation) resolve() error {
	m, err := inv.g.catalog.Lookup(inv.Call.Region, inv.Call.Account, inv.Asked)
	inv.Model = m
	return err
}

// authorise asks for the model and the profile it is reached through.
func (inv *Invocation) authorise(ctx context.Context, actions []string, guard *llm.GuardrailConfig) error {
	return inv.g.authorizer.Authorize(ctx, inv.Call.Principal, Access{
		Actions: actions, Resources: inv.Model.Resources, Context: conditionKeys(inv.Model, guard),
	})
}

// admit asks for room. A gateway without quotas has all there is.
func (inv *Invocation) admit(ctx context.Context, tokens func() int) error {
	if inv.g.quota == nil {
		return nil
	}
	settle, err := inv.g.quota.Admit(ctx, inv, tokens())
	inv.settle = settle
	return err
}

// fail notes how the call ended and returns what the caller is told.
func (inv *Invocation) fail(ctx context.Context, err error) error {
	inv.err = toFault(ctx, err)
	return inv.err
}

// Refuse records a call that a door had to refuse before it could hand it on, such
// as one whose body it cannot read, and returns err. Calls that reach Chat or Embed
// record themselves.
func (g *Gateway) Refuse(ctx context.Context, model string, err error) error {
	inv := g.begin(ctx, model)
	defer inv.end()
	_ = inv.resolve()                                            // the record says which model it was, if it is one
	inv.stream = strings.HasSuffix(inv.Call.Operation, "Stream") // as Bedrock names them
	inv.err = toFault(ctx, err)
	return err
}

// end writes the record.
func (inv *Invocation) end() {
	if inv.settle != nil {
		inv.settle(inv.usage)
	}
	inv.g.recorder.Append(inv.record())
	inv.g.recorder.End()
}

func (inv *Invocation) record() ledger.Record {
	c := inv.Call
	r := ledger.Record{
		Time: inv.Start, RequestID: c.RequestID, Account: c.Account, Region: c.Region,
		Principal: c.Principal.ARN, AccessKeyID: c.Principal.AccessKeyID,
		Service: c.Service, Operation: c.Operation,
		Model:   inv.Asked,
		Backend: inv.served.Backend, UpstreamModel: inv.served.Model, Fidelity: inv.served.Fidelity, Attempts: inv.attempts,
		Status: http.StatusOK, Latency: time.Since(inv.Start), FirstToken: inv.firstToken,
		InputTokens: inv.usage.InputTokens, OutputTokens: inv.usage.OutputTokens,
		CacheReadTokens: inv.usage.CacheReadTokens, CacheWriteTokens: inv.usage.CacheWriteTokens,
		Estimated: inv.usage.Estimated,
		Stream:    inv.stream, Metadata: inv.metadata,
	}
	if inv.Model != nil {
		r.ModelID = inv.Model.Model.ID
		r.InferenceProfile = inv.Model.Profile
		r.CostNanoUSD = inv.Model.Price.Cost(inv.usage)
	}
	inv.outcome(&r)
	return r
}

// outcome fills in how the call ended.
func (inv *Invocation) outcome(r *ledger.Record) {
	f, _ := errors.AsType[*fault.Error](inv.err)
	switch {
	case inv.complete:
		r.Completeness = ledger.Complete
		return
	case f == nil: // neither answered nor refused: the handler panicked
		f = &fault.Error{Kind: fault.Internal, Message: "The call was not completed."}
	}
	r.Completeness = ledger.Failed
	if f.Kind == fault.Canceled {
		r.Completeness = ledger.ClientGone
	} else if inv.yielded {
		r.Completeness = ledger.UpstreamCut
	}
	code, status := exception(f.Kind)
	if !inv.stream || !inv.yielded {
		r.Status = status
	}
	r.ErrorCode, r.ErrorKind, r.ErrorMessage = code, f.Kind, f.Message
}

// statusClientGone is what servers log for a caller that hung up.
const statusClientGone = 499

// exception returns the name and the status that the runtime API has for a kind of
// fault. The doors answer by their own tables; records and metrics speak this one.
func exception(k fault.Kind) (code string, status int) {
	switch k {
	case fault.Invalid:
		return "ValidationException", http.StatusBadRequest
	case fault.NotFound:
		return "ResourceNotFoundException", http.StatusNotFound
	case fault.Conflict:
		return "ConflictException", http.StatusBadRequest
	case fault.Denied:
		return "AccessDeniedException", http.StatusForbidden
	case fault.Throttled:
		return "ThrottlingException", http.StatusTooManyRequests
	case fault.QuotaExceeded:
		return "ServiceQuotaExceededException", http.StatusBadRequest
	case fault.Unavailable:
		return "ServiceUnavailableException", http.StatusServiceUnavailable
	case fault.Timeout:
		return "ModelTimeoutException", http.StatusRequestTimeout
	case fault.ModelError:
		return "ModelErrorException", http.StatusFailedDependency
	case fault.NotReady:
		return "ModelNotReadyException", http.StatusTooManyRequests
	case fault.NotImplemented: // the runtime API has no exception for it
		return "ValidationException", http.StatusBadRequest
	case fault.Canceled:
		return "ClientGone", statusClientGone
	case fault.Internal:
	}
	return "InternalServerException", http.StatusInternalServerError
}
