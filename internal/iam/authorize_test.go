package iam

import (
	"path/filepath"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/call"
	"github.com/outcrop-ai/outcrop/internal/db/dbtest"
	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/policy"
)

const (
	claude = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
	titan  = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1"
)

var (
	converse = []string{"bedrock:InvokeModel", "bedrock:Converse"}
	invoke   = []string{"bedrock:InvokeModel"}
)

// newPrincipal makes a key with a list and returns its principal.
func newPrincipal(t *testing.T, s *Store, name string, actions, resources []string) call.Principal {
	t.Helper()
	k, err := s.Create(t.Context(), NewKey{Name: name, Kind: SigV4, Actions: actions, Resources: resources})
	if err != nil {
		t.Fatal(err)
	}
	return s.AccessKey(k.ID).Principal
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	f := fixture{t.TempDir(), "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
	s := f.open(t)
	rootPrincipal := s.AccessKey(root(t, f).AccessKeyID).Principal
	x := newPrincipal(t, s, "x", []string{"bedrock:InvokeModel", "bedrock:List*"}, []string{claude})
	byConverse := newPrincipal(t, s, "c", []string{"bedrock:Converse"}, nil)
	own := newPrincipal(t, s, "own", []string{"s3:*"}, []string{"arn:aws:s3:::home/${aws:username}/*"})

	check := func(p call.Principal, a Access, want string) {
		t.Helper()
		err := s.Authorize(t.Context(), p, a)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s %v: %v", p.ARN, a, err)
		case want != "" && (!fault.Is(err, fault.Denied) || err.Error() != want):
			t.Errorf("%s %v\n got %v\nwant %s", p.ARN, a, err, want)
		}
	}
	refusal := func(user, action, on string) string {
		return "User: arn:aws:iam::123456789012:user/" + user + " is not authorized to perform: " + action + on + " because no identity-based policy allows the " + action + " action"
	}
	check(rootPrincipal, Access{Actions: []string{"iam:DeleteUser"}, Resources: []string{"*"}}, "")
	check(x, Access{Actions: invoke, Resources: []string{claude}}, "")
	check(x, Access{Actions: converse, Resources: []string{claude}}, "")
	check(x, Access{Actions: invoke, Resources: []string{titan}}, refusal("x", "bedrock:InvokeModel", " on resource: "+titan))
	check(x, Access{Actions: invoke, Resources: []string{claude, titan}}, refusal("x", "bedrock:InvokeModel", " on resource: "+titan))
	check(x, Access{Actions: []string{"bedrock:InvokeModelWithResponseStream", "bedrock:ConverseStream"}, Resources: []string{claude}}, refusal("x", "bedrock:InvokeModelWithResponseStream", " on resource: "+claude))
	check(x, Access{Actions: []string{"bedrock:ListFoundationModels"}}, refusal("x", "bedrock:ListFoundationModels", ""))
	check(x, Access{Actions: []string{"bedrock:ListFoundationModels"}, Resources: []string{"*"}}, refusal("x", "bedrock:ListFoundationModels", " on resource: *"))
	check(byConverse, Access{Actions: converse, Resources: []string{titan}}, "")
	check(byConverse, Access{Actions: invoke, Resources: []string{titan}}, refusal("c", "bedrock:InvokeModel", " on resource: "+titan))
	check(own, Access{Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::home/own/a"}}, "")
	check(own, Access{Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::home/x/a"}}, refusal("own", "s3:GetObject", " on resource: arn:aws:s3:::home/x/a"))
	check(call.Principal{}, Access{Actions: invoke, Resources: []string{claude}}, "User:  is not authorized to perform: bedrock:InvokeModel on resource: "+claude+" because no identity-based policy allows the bedrock:InvokeModel action")

	forged := x
	forged.ARN = byConverse.ARN
	if err := s.Authorize(t.Context(), forged, Access{Actions: invoke, Resources: []string{claude}}); !fault.Is(err, fault.Denied) {
		t.Errorf("a principal that does not belong to its key: got %v", err)
	}
	if _, err := s.Revoke(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	check(x, Access{Actions: invoke, Resources: []string{claude}}, refusal("x", "bedrock:InvokeModel", " on resource: "+claude))
}

func TestSynonyms(t *testing.T) {
	t.Parallel()
	doc := func(statements string) []policy.Policy {
		t.Helper()
		d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		return []policy.Policy{{Name: "p", Document: d}}
	}
	allow := func(action string) string { return `{"Effect":"Allow","Action":"` + action + `","Resource":"*"}` }
	deny := func(action string) string { return `{"Effect":"Deny","Action":"` + action + `","Resource":"*"}` }
	f := func(statements string, want policy.Effect) {
		t.Helper()
		if got := decide(policy.Request{Resource: claude}, converse, doc(statements)); got.Effect != want {
			t.Errorf("%s: got %s, want %s", statements, got, want)
		}
	}
	f(allow("bedrock:InvokeModel"), policy.Allow)
	f(allow("bedrock:Converse"), policy.Allow)
	f(allow("bedrock:ConverseStream"), policy.NoEffect)
	f(allow("bedrock:*")+","+deny("bedrock:Converse"), policy.Deny)
	f(allow("bedrock:Converse")+","+deny("bedrock:InvokeModel"), policy.Deny)

	err := denied(call.Principal{ARN: "arn:aws:iam::123456789012:user/x"}, "bedrock:InvokeModel", claude, policy.Deny)
	if want := "User: arn:aws:iam::123456789012:user/x is not authorized to perform: bedrock:InvokeModel on resource: " + claude + " with an explicit deny in an identity-based policy"; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	d := dbtest.Open(b, "sqlite:"+filepath.Join(b.TempDir(), "x.db"))
	s, err := Open(b.Context(), Config{DB: d, Dir: b.TempDir(), Account: account})
	if err != nil {
		b.Fatal(err)
	}
	k, err := s.Create(b.Context(), NewKey{Name: "x", Kind: SigV4, Actions: []string{"bedrock:*"}, Resources: []string{"arn:aws:bedrock:*::foundation-model/*"}})
	if err != nil {
		b.Fatal(err)
	}
	p := s.AccessKey(k.ID).Principal
	access := Access{Actions: converse, Resources: []string{claude}}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Authorize(b.Context(), p, access); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	d := dbtest.Open(b, "sqlite:"+filepath.Join(b.TempDir(), "x.db"))
	dir := b.TempDir()
	for b.Loop() {
		if _, err := Open(b.Context(), Config{DB: d, Dir: dir, Account: account}); err != nil {
			b.Fatal(err)
		}
	}
}
