package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/sharedtest"
)

func mustParse(tb testing.TB, text string) *Document {
	tb.Helper()
	doc, err := Parse([]byte(text))
	if err != nil {
		tb.Fatalf("%s\n%v", text, err)
	}
	return doc
}

func ctx(pairs ...string) map[string][]string {
	m := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = append(m[pairs[i]], pairs[i+1])
	}
	return m
}

const claude = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20241022-v2:0"

func TestStatements(t *testing.T) {
	t.Parallel()
	f := func(name, statements, action, resource string, want Effect) {
		t.Helper()
		doc := mustParse(t, `{"Version":"2012-10-17","Statement":`+statements+`}`)
		got := Evaluate(Request{Action: action, Resource: resource, Context: ctx("aws:username", "alice")}, Policy{"p", doc})
		if got.Effect != want {
			t.Errorf("%s: %s on %s: got %s, want %s", name, action, resource, got, want)
		}
	}
	const invoke = "bedrock:InvokeModel"
	allow := func(rest string) string { return `{"Effect":"Allow",` + rest + `}` }
	f("star", allow(`"Action":"*","Resource":"*"`), invoke, claude, Allow)
	f("star, no resource", allow(`"Action":"*","Resource":"*"`), "bedrock:ListFoundationModels", "*", Allow)
	f("an ARN is not every resource", allow(`"Action":"*","Resource":"arn:aws:bedrock:*:*:*"`), "bedrock:ListFoundationModels", "*", NoEffect)
	f("service star", allow(`"Action":"bedrock:*","Resource":"*"`), invoke, claude, Allow)
	f("vendor star", allow(`"Action":"*:InvokeModel","Resource":"*"`), invoke, claude, Allow)
	f("other service", allow(`"Action":"s3:*","Resource":"*"`), invoke, claude, NoEffect)
	f("case of actions", allow(`"Action":"BEDROCK:invokemodel","Resource":"*"`), invoke, claude, Allow)
	f("prefix", allow(`"Action":"bedrock:Invoke*","Resource":"*"`), "bedrock:InvokeModelWithResponseStream", claude, Allow)
	f("question marks", allow(`"Action":"bedrock:Get?","Resource":"*"`), "bedrock:GetX", claude, Allow)
	f("question marks need a character", allow(`"Action":"bedrock:Get?","Resource":"*"`), "bedrock:Get", claude, NoEffect)
	f("whole action", allow(`"Action":"bedrock:Invoke","Resource":"*"`), invoke, claude, NoEffect)
	f("list", allow(`"Action":["s3:GetObject","bedrock:InvokeModel"],"Resource":["arn:aws:s3:::b/*","`+claude+`"]`), invoke, claude, Allow)
	f("not action", allow(`"NotAction":"bedrock:*","Resource":"*"`), invoke, claude, NoEffect)
	f("not action, another", allow(`"NotAction":["s3:*","iam:*"],"Resource":"*"`), invoke, claude, Allow)
	f("not resource", allow(`"Action":"*","NotResource":"`+claude+`"`), invoke, claude, NoEffect)
	f("not resource, another", allow(`"Action":"*","NotResource":"arn:aws:s3:::b"`), invoke, claude, Allow)

	res := func(pattern string) string { return allow(`"Action":"*","Resource":"` + pattern + `"`) }
	f("family", res("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-*"), invoke, claude, Allow)
	f("any region", res("arn:aws:bedrock:*::foundation-model/*"), invoke, claude, Allow)
	f("any account", res("arn:aws:bedrock:*:*:foundation-model/*"), invoke, claude, Allow)
	f("another region", res("arn:aws:bedrock:eu-*::foundation-model/*"), invoke, claude, NoEffect)
	f("a star stays in its field", res("arn:aws:bedrock:*"+`:foundation-model/*:x:y`), invoke, claude, NoEffect)
	f("a star stays in its field, region", res("arn:aws:*-1::foundation-model/anthropic*:0:z"), invoke, claude, NoEffect)
	f("the last field spans colons", res("arn:aws:bedrock:us-east-1::foundation-model/anthropic*0"), invoke, claude, Allow)
	f("resources are case-sensitive", res(strings.Replace(claude, "anthropic", "Anthropic", 1)), invoke, claude, NoEffect)
	f("incomplete ARN", res("arn:aws:bedrock"), invoke, claude, Allow)
	f("incomplete ARN, another", res("arn:aws:s3"), invoke, claude, NoEffect)
	f("variable", res("arn:aws:s3:::home/${aws:username}/*"), "s3:GetObject", "arn:aws:s3:::home/alice/x", Allow)
	f("variable, another user", res("arn:aws:s3:::home/${aws:username}/*"), "s3:GetObject", "arn:aws:s3:::home/bob/x", NoEffect)
	f("variable, unknown", res("arn:aws:s3:::home/${aws:nobody}/*"), "s3:GetObject", "arn:aws:s3:::home//x", NoEffect)
	f("variable with a default", res("arn:aws:s3:::home/${aws:nobody, 'all'}/*"), "s3:GetObject", "arn:aws:s3:::home/all/x", Allow)
	f("variable's name in another case", res("arn:aws:s3:::home/${AWS:UserName}/*"), "s3:GetObject", "arn:aws:s3:::home/alice/x", Allow)
	f("escaped star", res("arn:aws:s3:::b/${*}"), "s3:GetObject", "arn:aws:s3:::b/*", Allow)
	f("escaped star is no wildcard", res("arn:aws:s3:::b/${*}"), "s3:GetObject", "arn:aws:s3:::b/x", NoEffect)
	f("escaped dollar and question mark", res("arn:aws:s3:::b/${$}{x}${?}"), "s3:GetObject", "arn:aws:s3:::b/${x}?", Allow)

	f("deny wins, after", `[`+allow(`"Action":"*","Resource":"*"`)+`,{"Effect":"Deny","Action":"bedrock:InvokeModel","Resource":"*"}]`, invoke, claude, Deny)
	f("deny wins, before", `[{"Effect":"Deny","Action":"bedrock:InvokeModel","Resource":"*"},`+allow(`"Action":"*","Resource":"*"`)+`]`, invoke, claude, Deny)
	f("deny of another", `[`+allow(`"Action":"*","Resource":"*"`)+`,{"Effect":"Deny","Action":"iam:*","Resource":"*"}]`, invoke, claude, Allow)
	f("deny by not action", `[`+allow(`"Action":"*","Resource":"*"`)+`,{"Effect":"Deny","NotAction":"bedrock:*","Resource":"*"}]`, "iam:CreateUser", "*", Deny)
}

func TestVariableValuesAreLiteral(t *testing.T) {
	t.Parallel()
	doc := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}"}}`)
	req := Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::home/bob", Context: ctx("aws:username", "*")}
	if Evaluate(req, Policy{"p", doc}).Allowed() {
		t.Error("a user named * reaches everybody's home")
	}
	req.Context = ctx("aws:username", "alice", "aws:username", "bob")
	if Evaluate(req, Policy{"p", doc}).Allowed() {
		t.Error("a key of two values was taken for a variable")
	}
}

func TestOldVersionHasNoVariables(t *testing.T) {
	t.Parallel()
	for _, version := range []string{`"Version":"2008-10-17",`, ""} {
		doc := mustParse(t, `{`+version+`"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}`)
		req := Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::alice", Context: ctx("aws:username", "alice")}
		if Evaluate(req, Policy{"p", doc}).Allowed() {
			t.Error("a variable was replaced")
		}
		req.Resource = "arn:aws:s3:::${aws:username}"
		if !Evaluate(req, Policy{"p", doc}).Allowed() {
			t.Error("the text itself does not match")
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	holds := func(t *testing.T, condition string, context map[string][]string) bool {
		t.Helper()
		doc := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}}`)
		return Evaluate(Request{Action: "a:B", Resource: "*", Context: context}, Policy{"p", doc}).Allowed()
	}
	f := func(condition string, context map[string][]string, want bool) {
		t.Helper()
		if got := holds(t, condition, context); got != want {
			t.Errorf("%s with %v: got %t, want %t", condition, context, got, want)
		}
	}
	one := func(operator, value string) string { return `{"` + operator + `":{"k":` + value + `}}` }
	k := func(values ...string) map[string][]string { return map[string][]string{"k": values} }

	f(`{}`, nil, true)
	f(one("StringEquals", `"x"`), k("x"), true)
	f(one("StringEquals", `"x"`), k("X"), false)
	f(one("StringEquals", `"x*"`), k("xy"), false)
	f(one("StringEquals", `["x","y"]`), k("y"), true)
	f(one("StringEquals", `[]`), k("y"), false)
	f(one("StringEquals", `"x"`), nil, false)
	f(one("StringEquals", `"x"`), k(), false)
	f(`{"StringEquals":{"AWS:K":"x"}}`, ctx("aws:k", "x"), true) // keys in any case
	f(one("StringNotEquals", `"x"`), k("y"), true)
	f(one("StringNotEquals", `["x","y"]`), k("y"), false)
	f(one("StringNotEquals", `["x","y"]`), k("z"), true)
	f(one("StringNotEquals", `"x"`), nil, true) // an absent key is not equal
	f(one("StringEqualsIgnoreCase", `"xÉ"`), k("Xé"), true)
	f(one("StringNotEqualsIgnoreCase", `"x"`), k("X"), false)
	f(one("StringLike", `"a*c?"`), k("abbcd"), true)
	f(one("StringLike", `"a*c?"`), k("abbc"), false)
	f(one("StringLike", `"A*"`), k("abc"), false)
	f(one("StringNotLike", `"a*"`), k("abc"), false)
	f(one("StringLike", `"${aws:username}-*"`), ctx("k", "alice-1", "aws:username", "alice"), true)
	f(one("StringLike", `"${aws:username}-*"`), ctx("k", "bob-1", "aws:username", "alice"), false)
	f(one("StringEquals", `"${aws:username}"`), ctx("k", "alice", "aws:username", "alice"), true)
	f(one("StringEquals", `"${aws:username}"`), k("alice"), false)

	f(one("StringEqualsIfExists", `"x"`), nil, true)
	f(one("StringEqualsIfExists", `"x"`), k("y"), false)
	f(one("NumericLessThanIfExists", `"5"`), nil, true)

	f(one("NumericEquals", `5`), k("5.0"), true)
	f(one("NumericEquals", `"9007199254740993"`), k("9007199254740992"), false) // beyond a float's precision
	f(one("NumericNotEquals", `5`), k("6"), true)
	f(one("NumericNotEquals", `5`), k("five"), true)
	f(one("NumericLessThan", `5`), k("5"), false)
	f(one("NumericLessThan", `5`), k("-5"), true)
	f(one("NumericLessThanEquals", `5`), k("5"), true)
	f(one("NumericGreaterThan", `4.5`), k("5"), true)
	f(one("NumericGreaterThanEquals", `["100","5"]`), k("7"), true)
	f(one("NumericGreaterThan", `4.5`), k("lots"), false)

	f(one("DateEquals", `"2026-01-31"`), k("2026-01-31T00:00:00Z"), true)
	f(one("DateLessThan", `"2026-01-31T12:00:00Z"`), k("2026-01-31T12:30:00+01:00"), true)
	f(one("DateGreaterThan", `"2026-01-31T12:00:00Z"`), k("1769860801"), true) // seconds
	f(one("DateGreaterThanEquals", `1769860800`), k("2026-01-31T12:00:00Z"), true)
	f(one("DateLessThanEquals", `"2026-01-31T12:00:00Z"`), k("2026-01-31T12:00:00.001Z"), false)
	f(one("DateNotEquals", `"2026-01-31"`), k("2026-02-01"), true)

	f(one("Bool", `true`), k("true"), true)
	f(one("Bool", `"TRUE"`), k("true"), true)
	f(one("Bool", `"false"`), k("true"), false)
	f(one("BoolIfExists", `"true"`), nil, true)
	f(one("BinaryEquals", `"AQID"`), k("AQID"), true)
	f(one("BinaryEquals", `"AQID"`), k("AQIE"), false)
	f(one("BinaryEquals", `"AQID"`), k("not base64"), false)

	f(one("IpAddress", `"203.0.113.0/24"`), k("203.0.113.9"), true)
	f(one("IpAddress", `"203.0.113.0/24"`), k("::ffff:203.0.113.9"), true)
	f(one("IpAddress", `"203.0.113.0/24"`), k("203.0.114.9"), false)
	f(one("IpAddress", `"203.0.113.7"`), k("203.0.113.7"), true)
	f(one("IpAddress", `"2001:db8::/32"`), k("2001:db8::1"), true)
	f(one("IpAddress", `["10.0.0.0/8","2001:db8::/32"]`), k("nonsense"), false)
	f(one("NotIpAddress", `"203.0.113.0/24"`), k("198.51.100.1"), true)
	f(one("NotIpAddress", `"203.0.113.0/24"`), k("203.0.113.1"), false)

	f(one("ArnLike", `"arn:aws:iam::*:user/*"`), k("arn:aws:iam::123456789012:user/a"), true)
	f(one("ArnEquals", `"arn:aws:iam::*:user/a?"`), k("arn:aws:iam::123456789012:user/ab"), true)
	f(one("ArnLike", `"arn:aws:iam::*:user/*"`), nil, false)
	f(one("ArnLike", `"*"`), k("arn:aws:iam::1:x"), true)
	f(one("ArnLike", `"arn:aws:*:us-east-1:1:x"`), k("arn:aws:sns:eu:us-east-1:1:x"), false)
	f(one("ArnNotLike", `"arn:aws:iam::*:user/*"`), k("arn:aws:iam::1:role/a"), true)
	f(one("ArnNotEquals", `"arn:aws:iam::*:user/*"`), k("arn:aws:iam::1:user/a"), false)
	f(one("ArnLike", `"${aws:PrincipalArn}"`), ctx("k", "arn:aws:iam::1:user/a", "aws:PrincipalArn", "arn:aws:iam::1:user/a"), true)

	f(one("Null", `"true"`), nil, true)
	f(one("Null", `true`), k("x"), false)
	f(one("Null", `"false"`), k("x"), true)
	f(one("Null", `"false"`), nil, false)

	f(one("ForAllValues:StringEquals", `["a","b"]`), k("a", "b", "a"), true)
	f(one("ForAllValues:StringEquals", `["a","b"]`), k("a", "c"), false)
	f(one("ForAllValues:StringEquals", `["a","b"]`), nil, true)
	f(one("ForAllValues:StringNotEquals", `["a","b"]`), k("c", "d"), true)
	f(one("ForAllValues:StringNotEquals", `["a","b"]`), k("c", "a"), false)
	f(one("ForAnyValue:StringEquals", `["a","b"]`), k("c", "b"), true)
	f(one("ForAnyValue:StringEquals", `["a","b"]`), k("c", "d"), false)
	f(one("ForAnyValue:StringEquals", `["a","b"]`), nil, false)
	f(one("ForAnyValue:StringNotEquals", `["a","b"]`), k("a", "c"), true)
	f(one("ForAnyValue:StringNotEquals", `["a","b"]`), k("a", "b"), false)
	f(one("ForAnyValue:StringNotEquals", `["a","b"]`), nil, false)
	f(one("ForAnyValue:StringLikeIfExists", `"a*"`), nil, true)
	f(one("ForAnyValue:NumericLessThan", `5`), k("9", "3"), true)

	// Without a quantifier, a key of several values passes if any does; negated, if none.
	f(one("StringEquals", `"a"`), k("b", "a"), true)
	f(one("StringNotEquals", `"a"`), k("b", "a"), false)

	// Every operator and every key must hold.
	f(`{"StringEquals":{"a":"1","b":"2"}}`, ctx("a", "1", "b", "2"), true)
	f(`{"StringEquals":{"a":"1","b":"2"}}`, ctx("a", "1", "b", "3"), false)
	f(`{"StringEquals":{"a":"1"},"NumericLessThan":{"b":"3"}}`, ctx("a", "1", "b", "2"), true)
	f(`{"StringEquals":{"a":"1"},"NumericLessThan":{"b":"3"}}`, ctx("a", "1", "b", "3"), false)
}

func TestRefusedDocuments(t *testing.T) {
	t.Parallel()
	f := func(text, want string) {
		t.Helper()
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || !fault.Is(err, fault.Invalid) {
			t.Errorf("%.200s\n got %v\nwant %s", text, err, want)
		}
	}
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	const good = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	f(``, "Syntax errors in policy")
	f(`null`, "must be an object")
	f(`[]`, "must be an object")
	f(`{`, "Syntax errors in policy")
	f(`{} {}`, "Syntax errors in policy")
	f(statement(good)+"x", "Syntax errors in policy")
	f(`{"Version":"2012-10-17"}`, "no Statement")
	f(`{"Version":"2012-10-17","Statement":[]}`, "Statement is empty")
	f(`{"Version":"2012-10-17","Statement":"x"}`, "must be an object")
	f(`{"Version":"2012-10-17","Statement":null}`, "must be an object")
	f(`{"Version":"2012-10-18","Statement":`+good+`}`, "Version must be")
	f(`{"Version":null,"Statement":`+good+`}`, "Version must be")
	f(`{"Version":20121017,"Statement":`+good+`}`, "Version must be")
	f(`{"version":"2012-10-17","Statement":`+good+`}`, `unknown element "version"`)
	f(`{"Statement":`+good+`,"Statement":`+good+`}`, "given twice")
	f(`{"Id":7,"Statement":`+good+`}`, "Id must be a string")
	f(statement(`{"Action":"*","Resource":"*"}`), "Missing required field Effect")
	f(statement(`{"Effect":"allow","Action":"*","Resource":"*"}`), "Invalid effect: allow")
	f(statement(`{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}`), "given twice")
	f(statement(`{"Effect":"Allow","Resource":"*"}`), "must contain actions")
	f(statement(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "must contain actions")
	f(statement(`{"Effect":"Allow","Action":"*"}`), "must contain resources")
	f(statement(`{"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"}`), "not both")
	f(statement(`{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}`), "not both")
	f(statement(`{"Effect":"Allow","Action":"InvokeModel","Resource":"*"}`), "prefaced by a vendor")
	f(statement(`{"Effect":"Allow","Action":"bed*:InvokeModel","Resource":"*"}`), "prefaced by a vendor")
	f(statement(`{"Effect":"Allow","Action":"","Resource":"*"}`), "prefaced by a vendor")
	f(statement(`{"Effect":"Allow","Action":7,"Resource":"*"}`), "Action has a value of the wrong type")
	f(statement(`{"Effect":"Allow","Action":["a:b",null],"Resource":"*"}`), "Action has a value of the wrong type")
	f(statement(`{"Effect":"Allow","Action":{"a":"b"},"Resource":"*"}`), "Action has a value of the wrong type")
	f(statement(`{"Effect":"Allow","Action":"*","Resource":"claude"}`), `must be in ARN format or "*"`)
	f(statement(`{"Effect":"Allow","Action":"*","Resource":""}`), `must be in ARN format or "*"`)
	f(statement(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:x"}`), "not closed")
	f(statement(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${}"}`), "not a policy variable")
	f(statement(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${a, b}"}`), "single quotes")
	f(statement(`{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}`), "should not specify a principal")
	f(statement(`{"Effect":"Allow","Action":"*","Resource":"*","Foo":"*"}`), `unknown element "Foo"`)
	f(statement(`{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}`), "alpha-numeric")
	sid := `{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}`
	f(statement(sid+","+sid), "must be unique")
	condition := func(c string) string {
		return statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + c + `}`)
	}
	f(condition(`[]`), "must be an object")
	f(condition(`{"StringEquals":"x"}`), "must be an object")
	f(condition(`{"StringIs":{"k":"x"}}`), "invalid condition operator: StringIs")
	f(condition(`{"NumericLike":{"k":"1"}}`), "invalid condition operator")
	f(condition(`{"NullIfExists":{"k":"true"}}`), "invalid condition operator")
	f(condition(`{"Null":{"k":"maybe"}}`), "true or false")
	f(condition(`{"Null":{"k":["true","false"]}}`), "true or false")
	f(condition(`{"StringEquals":{"":"x"}}`), "empty condition key")
	f(condition(`{"StringEquals":{"k":null}}`), "string, number or boolean")
	f(condition(`{"StringEquals":{"k":["x",{}]}}`), "string, number or boolean")
	f(condition(`{"StringEquals":{"k":"x","k":"y"}}`), "given twice")
	f(condition(`{"NumericEquals":{"k":"five"}}`), "not a number")
	f(condition(`{"NumericEquals":{"k":"1e999999999"}}`), "not a number")
	f(condition(`{"DateEquals":{"k":"soon"}}`), "not a date")
	f(condition(`{"Bool":{"k":"maybe"}}`), "neither true nor false")
	f(condition(`{"BinaryEquals":{"k":"!"}}`), "not base64")
	f(condition(`{"IpAddress":{"k":"10.0.0.0/33"}}`), "not an IP address")
	f(condition(`{"ArnLike":{"k":"arn:aws:iam"}}`), "not an ARN")
	f("{\"Id\":\"\xff\",\"Statement\":"+good+"}", "not UTF-8")
	f(`{"Id":"`+strings.Repeat("x", MaxSize)+`"}`, "larger than")
	f(statement(strings.Repeat(`{"a":`, 15000)), "Syntax errors in policy")
}

func TestDecisionExplains(t *testing.T) {
	t.Parallel()
	doc := mustParse(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"bedrock:*","Resource":"*"},
		{"Sid":"NoDeletes","Effect":"Deny","Action":"*:Delete*","Resource":"*"}]}`)
	f := func(action, want string) {
		t.Helper()
		if got := Evaluate(Request{Action: action, Resource: "*"}, Policy{}, Policy{"team", doc}).String(); got != want {
			t.Errorf("%s: got %q, want %q", action, got, want)
		}
	}
	f("bedrock:GetGuardrail", `allow by statement 1 of policy "team"`)
	f("bedrock:DeleteGuardrail", `explicit deny by statement 2 (NoDeletes) of policy "team"`)
	f("iam:GetUser", "implicit deny: no statement matches")
}

func TestNewAllow(t *testing.T) {
	t.Parallel()
	doc, err := NewAllow([]string{"bedrock:Converse"}, []string{"arn:aws:bedrock:*::foundation-model/a*"})
	if err != nil {
		t.Fatal(err)
	}
	if !Evaluate(Request{Action: "bedrock:Converse", Resource: "arn:aws:bedrock:us-east-1::foundation-model/ab"}, Policy{"k", doc}).Allowed() {
		t.Error("refused")
	}
	if _, err := NewAllow(nil, []string{"*"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("no actions: got %v", err)
	}
}

// The guide's policy, as it is.
func TestGuidePolicy(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(sharedtest.Path(t, "guide", "blocks", "10-iam-policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc := mustParse(t, string(text))
	f := func(action, resource string, want Effect) {
		t.Helper()
		if got := Evaluate(Request{Action: action, Resource: resource}, Policy{"guide", doc}); got.Effect != want {
			t.Errorf("%s on %s: got %s, want %s", action, resource, got, want)
		}
	}
	const model = "arn:aws:bedrock:us-east-1::foundation-model/"
	f("bedrock:InvokeModel", claude, Allow)
	f("bedrock:InvokeModelWithResponseStream", claude, Allow)
	f("bedrock:InvokeModel", model+"amazon.titan-embed-text-v2:0", Allow)
	f("bedrock:InvokeModel", model+"amazon.titan-embed-text-v1", NoEffect)
	f("bedrock:InvokeModel", strings.Replace(claude, "us-east-1", "us-west-2", 1), NoEffect)
	f("bedrock:InvokeModel", model+"anthropic.claude-3-opus-20240229-v1:0", NoEffect)
	f("bedrock:Converse", model+"meta.llama3-70b-instruct-v1:0", Allow)
	f("bedrock:ConverseStream", claude, Allow)
	f("bedrock:Retrieve", "arn:aws:bedrock:us-east-1:123456789012:knowledge-base/KB1", Allow)
	f("bedrock:Retrieve", "arn:aws:bedrock:us-east-1:999999999999:knowledge-base/KB1", NoEffect)
	f("bedrock:InvokeAgent", "arn:aws:bedrock:us-east-1:123456789012:agent-alias/A/B", Allow)
	f("bedrock:ApplyGuardrail", "arn:aws:bedrock:us-east-1:123456789012:guardrail/g", Allow)
	f("bedrock:DeleteGuardrail", "arn:aws:bedrock:us-east-1:123456789012:guardrail/g", NoEffect)
	f("bedrock:ListFoundationModels", "*", NoEffect)
}

// A pattern of many stars must not take exponential time.
func TestGlobIsBounded(t *testing.T) {
	t.Parallel()
	p, err := compilePattern(strings.Repeat("*a", 500)+"b", compileOptions{wildcards: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.match(strings.Repeat("a", 5000), newEvaluation(Request{})) {
		t.Error("matched")
	}
}

// FuzzGlob compares with the regular expression of the same meaning.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Add("*é?", "aéß")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 50 || strings.ToValidUTF8(pattern, "") != pattern || strings.ToValidUTF8(text, "") != text {
			return
		}
		re := regexp.QuoteMeta(pattern)
		re = strings.ReplaceAll(strings.ReplaceAll(re, `\*`, "(?s:.*)"), `\?`, "(?s:.)")
		p, err := compilePattern(pattern, compileOptions{wildcards: true})
		if err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile("^(?:" + re + ")$").MatchString(text)
		if got := p.match(text, newEvaluation(Request{})); got != want {
			t.Errorf("%q matches %q: got %t, want %t", pattern, text, got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","NotAction":["s3:*"],"Resource":"arn:aws:s3:::${aws:x,'y'}/*","Condition":{"ForAnyValue:StringLikeIfExists":{"k":["a*",1,true]}}}]}`,
		`{"Statement":{"Effect":"Deny","Action":"*","NotResource":["arn:aws"],"Condition":{"IpAddress":{"a":"10.0.0.0/8"},"DateLessThan":{"b":"2026"}}}}`,
	} {
		f.Add(s, "s3:GetObject", "arn:aws:s3:::b/c", "v")
	}
	f.Fuzz(func(t *testing.T, text, action, resource, value string) {
		doc, err := Parse([]byte(text))
		if err != nil {
			if !fault.Is(err, fault.Invalid) || err.Error() == "" {
				t.Errorf("not a modelled error: %v", err)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("accepted invalid JSON %q", text)
		}
		req := Request{Action: action, Resource: resource, Context: map[string][]string{"k": {value, "x"}, "aws:x": {value}, "a": {value}}}
		d := Evaluate(req, Policy{"p", doc})
		if d.String() == "" || (d.Effect == NoEffect) != (d.Statement == nil) {
			t.Errorf("odd decision %+v", d)
		}
		deny := mustParse(t, `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`)
		if got := Evaluate(req, Policy{"p", doc}, Policy{"deny", deny}); got.Effect != Deny {
			t.Errorf("a deny of everything does not win over %s", text)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(b), "guide", "blocks", "10-iam-policy.json"))
	if err != nil || len(files) != 1 {
		b.Skip("no guide")
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		b.Fatal(err)
	}
	doc := mustParse(b, string(text))
	req := Request{Action: "bedrock:InvokeModel", Resource: claude}
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(req, Policy{"guide", doc}).Allowed() {
			b.Fatal("refused")
		}
	}
}
