package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/iam"
	"github.com/outcrop-ai/outcrop/internal/ledger"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// TestLedgerTruth makes one call of each kind and wants its record, and no other.
func TestLedgerTruth(t *testing.T) {
	t.Parallel()
	i := start(t)
	limited, limitedKey := i.key(iam.NewKey{
		Name: "limited", Kind: iam.SigV4, Actions: []string{"bedrock:InvokeModel"}, Resources: []string{"arn:aws:bedrock:*::foundation-model/other"},
	})
	const (
		root  = "arn:aws:iam::123456789012:root"
		chat  = "/openai/v1/chat/completions"
		body1 = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"hello"}]}`
	)
	// What a call on the lab's model leaves when nothing else is said.
	lab := ledger.Record{
		Account: "123456789012", Region: "us-east-1", Principal: root, AccessKeyID: i.root.AccessKeyID,
		Service: "bedrock-runtime", Operation: "Converse", Model: labChat, ModelID: labChat,
		Backend: "lab", UpstreamModel: "chat", Fidelity: llm.Scripted, Attempts: 1,
		Status: 200, InputTokens: 11, OutputTokens: 7, CostNanoUSD: 11*1000 + 7*2000,
	}
	with := func(changes ...func(*ledger.Record)) *ledger.Record {
		r := lab
		for _, f := range changes {
			f(&r)
		}
		return &r
	}
	operation := func(name string, stream bool) func(*ledger.Record) {
		return func(r *ledger.Record) { r.Operation, r.Stream = name, stream }
	}
	openai := func(r *ledger.Record) { r.Service, r.Operation = "openai", "ChatCompletions" }
	failed := func(status int, code string, kind fault.Kind, message string) func(*ledger.Record) {
		return func(r *ledger.Record) {
			r.Status, r.ErrorCode, r.ErrorKind, r.ErrorMessage, r.Completeness = status, code, kind, message, ledger.Failed
			r.InputTokens, r.OutputTokens, r.CostNanoUSD = 0, 0, 0
		}
	}
	unrouted := func(r *ledger.Record) { r.Backend, r.UpstreamModel, r.Fidelity, r.Attempts = "", "", "", 0 }
	invalid := func(message string) func(*ledger.Record) {
		return func(r *ledger.Record) {
			failed(400, "ValidationException", fault.Invalid, message)(r)
			unrouted(r)
		}
	}
	model := func(asked, id string) func(*ledger.Record) {
		return func(r *ledger.Record) { r.Model, r.ModelID = asked, id }
	}
	const unknown = "The provided model identifier is invalid."

	for _, tc := range []struct {
		name string
		ask  ask
		want *ledger.Record // nil: none
	}{
		{"ok", ask{body: says("hello")}, with()},
		{"labels", ask{body: `{"requestMetadata":{"team":"search"},` + says("hello")[1:]}, with(func(r *ledger.Record) { r.Metadata = map[string]string{"team": "search"} })},
		{"another region", ask{body: says("hello"), region: "eu-west-1"}, with(func(r *ledger.Record) { r.Region = "eu-west-1" })},
		{"a stream", ask{path: converseStream(labChat), body: says("hello")}, with(operation("ConverseStream", true))},
		{"a body", ask{path: "/model/" + labChat + "/invoke", body: body1}, with(operation("InvokeModel", false))},
		{"a body's stream", ask{path: "/model/" + labChat + "/invoke-with-response-stream", body: body1}, with(operation("InvokeModelWithResponseStream", true))},
		{"openai", ask{path: chat, body: `{"model":"lab.chat","messages":[{"role":"user","content":"hello"}]}`}, with(openai)},
		{"openai's stream", ask{path: chat, body: `{"model":"lab.chat","stream":true,"messages":[{"role":"user","content":"hello"}]}`}, with(openai, func(r *ledger.Record) { r.Stream = true })},
		{"count", ask{path: "/model/" + labChat + "/count-tokens", body: `{"input":{"converse":` + says("hello") + `}}`}, nil},
		{"a list", ask{method: http.MethodGet, path: "/foundation-models"}, nil},

		{"throttled", ask{body: says("busy")}, with(failed(429, "ThrottlingException", fault.Throttled, "The lab is busy."))},
		{"the model fails", ask{body: says("fail")}, with(failed(424, "ModelErrorException", fault.ModelError, "The lab failed."))},
		{"the model is late", ask{body: says("late")}, with(failed(408, "ModelTimeoutException", fault.Timeout, "The lab took too long."))},
		{"a backend that is down", ask{path: converse(broken), body: says("hello")}, with(model(broken, broken), failed(503, "ServiceUnavailableException", fault.Unavailable, "The cellar is flooded."),
			func(r *ledger.Record) { r.Backend = "cellar" })},
		{"the second target", ask{path: converse(twice), body: says("hello")}, with(model(twice, twice), func(r *ledger.Record) { r.Attempts = 2 })},
		{"denied", ask{body: says("hello"), key: limitedKey}, with(func(r *ledger.Record) { r.Principal, r.AccessKeyID = limited.ARN(), limited.ID },
			failed(403, "AccessDeniedException", fault.Denied, "User: "+limited.ARN()+" is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/lab.chat because no identity-based policy allows the bedrock:InvokeModel action"), unrouted)},
		{"an unknown model", ask{path: converse("nobody.x"), body: says("hello")}, with(model("nobody.x", ""), invalid(unknown))},
		{"an unknown model's body", ask{path: "/model/nobody.x/invoke", body: body1}, with(operation("InvokeModel", false), model("nobody.x", ""), invalid(unknown))},

		{"a stream of no form", ask{path: converseStream(labChat), body: `{`}, with(operation("ConverseStream", true), invalid("*"))},
		{"an unknown model's stream", ask{path: converseStream("nobody.x"), body: says("hello")}, with(operation("ConverseStream", true), model("nobody.x", ""), invalid(unknown))},
		{"refused by the protocol", ask{body: `{`}, with(invalid("Unexpected end of JSON: expected a member name"))},
		{"refused by a constraint", ask{body: `{"messages":[{"role":"user"}]}`}, with(invalid("1 validation error detected: Value null at 'messages.1.member.content' failed to satisfy constraint: Member must not be null"))},
		{"refused by Converse's rules", ask{body: `{"messages":[{"role":"assistant","content":[{"text":"hello"}]}]}`}, with(invalid("*"))},
		{"a body of no form", ask{path: "/model/" + labChat + "/invoke", body: `{"max_tokens":"x"}`}, with(operation("InvokeModel", false), invalid("*"))},
		{"openai, of no form", ask{path: chat, body: `{"model":"lab.chat","messages":7}`}, with(openai, invalid("*"))},
		{"openai, no JSON", ask{path: chat, body: `{`}, with(openai, model("", ""), invalid("*"))},
		{"openai, an unknown model", ask{path: chat, body: `{"model":"nobody.x","messages":[{"role":"user","content":"hello"}]}`}, with(openai, model("nobody.x", ""), failed(404, "ResourceNotFoundException", fault.NotFound, "The model 'nobody.x' does not exist."), unrouted)},
	} {
		before := len(i.records())
		a := i.do(tc.ask)
		got := i.records()[before:]
		if tc.want == nil {
			if len(got) != 0 {
				t.Errorf("%s: %d records: %+v", tc.name, len(got), got)
			}
			continue
		}
		if len(got) != 1 {
			t.Errorf("%s: %d records; the answer is %d %s", tc.name, len(got), a.status, a.body)
			continue
		}
		tc.want.RequestID = a.header.Get("X-Amzn-Requestid")
		if tc.want.ErrorMessage == "*" && got[0].ErrorMessage != "" {
			tc.want.ErrorMessage = got[0].ErrorMessage
		}
		if diff := cmp.Diff(*tc.want, got[0], cmpopts.IgnoreFields(ledger.Record{}, "Seq", "Time", "Latency", "FirstToken")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if ok := got[0].Completeness == ledger.Complete; got[0].Latency <= 0 || ok != (got[0].FirstToken > 0) || got[0].Time.IsZero() {
			t.Errorf("%s: times %v %v %v", tc.name, got[0].Time, got[0].Latency, got[0].FirstToken)
		}
		served := a.header.Get("X-Outcrop-Served-By")
		if wantServed := got[0].Backend != ""; wantServed != (served != "") || !strings.HasPrefix(served, got[0].Backend) {
			t.Errorf("%s: served by %q in the header, by %q in the record", tc.name, served, got[0].Backend)
		}
	}
	m := i.do(ask{method: http.MethodGet, path: "/metrics", unsigned: true})
	for _, want := range []string{
		`outcrop_invocations_total{`, `model="lab.chat"`, `outcrop_ledger_degraded 0`, `outcrop_ledger_lost_records_total 0`, `model="other"`,
	} {
		if !strings.Contains(string(m.body), want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if strings.Contains(string(m.body), "nobody.x") {
		t.Error("/metrics has a label that a client made up")
	}
}

// TestStreamCut wants the partial usage of an answer that its upstream broke off.
func TestStreamCut(t *testing.T) {
	t.Parallel()
	i := start(t)
	a := i.do(ask{path: converseStream(labChat), body: says("tear")})
	events := frames(t, strings.NewReader(string(a.body)))
	if a.status != 200 || kind(events[len(events)-1]) != "modelStreamErrorException" {
		t.Errorf("%d; the last frame is %s %s", a.status, kind(events[len(events)-1]), events[len(events)-1].Payload)
	}
	got := i.records()
	if len(got) != 1 || got[0].Completeness != ledger.UpstreamCut || got[0].Status != 200 || got[0].ErrorCode != "ModelErrorException" ||
		got[0].OutputTokens == 0 || got[0].InputTokens == 0 || !got[0].Estimated {
		t.Errorf("records %+v", got)
	}
}

// TestClientLeaves wants the partial usage of an answer that its client did not wait for.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	i := start(t)
	for n, q := range []ask{
		{path: converseStream(labChat), body: says("slowly")},
		{path: "/openai/v1/chat/completions", body: `{"model":"lab.chat","stream":true,"messages":[{"role":"user","content":"slowly"}]}`},
		{body: says("patiently")}, // nothing is read: the client leaves while it waits
		{path: "/openai/v1/chat/completions", body: `{"model":"lab.chat","messages":[{"role":"user","content":"patiently"}]}`},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		r := i.request(ctx, q)
		if n >= 2 {
			got := make(chan error, 1)
			go func() {
				resp, err := i.http.Do(r)
				if err == nil {
					_ = resp.Body.Close()
				}
				got <- err
			}()
			waitFor(t, "the call to be served", func() bool {
				m := i.do(ask{method: http.MethodGet, path: "/metrics", unsigned: true})
				return strings.Contains(string(m.body), "outcrop_in_flight_invocations 1")
			})
			cancel()
			if err := <-got; err == nil {
				t.Errorf("%s: the answer came too soon for this test", q.path)
			}
		} else {
			resp, err := i.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 1500)); err != nil {
				t.Error(err)
			}
			cancel()
			_ = resp.Body.Close()
		}
		waitFor(t, "the record", func() bool { return len(i.records()) == n+1 })
		got := i.records()[n]
		if got.Completeness != ledger.ClientGone || got.ErrorCode != "ClientGone" || got.InputTokens == 0 || !got.Estimated || got.Latency.Seconds() > 5 {
			t.Errorf("%s: record %+v", q.path, got)
		}
		if n < 2 && (got.OutputTokens == 0 || got.OutputTokens >= 400 || got.Status != 200) {
			t.Errorf("%s: %d tokens, status %d", q.path, got.OutputTokens, got.Status)
		}
	}
}
