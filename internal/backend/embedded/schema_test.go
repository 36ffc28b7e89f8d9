package embedded

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// valid reports why a value does not satisfy a schema.
func valid(tb testing.TB, schema string, value []byte) error {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		tb.Fatalf("schema %s: %v", schema, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("s.json", doc); err != nil {
		tb.Fatal(err)
	}
	compiled, err := c.Compile("s.json")
	if err != nil {
		tb.Fatalf("schema %s: %v", schema, err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(value)))
	if err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	return compiled.Validate(v)
}

const profile = "Maria Lopez is 34 years old and lives in Madrid, Spain. She was born on 3 May 1990, earns $45,000 a year and can be reached at maria@example.com or https://maria.test. She speaks Spanish and English, and her status is active."

func structured(schema, question string) *llm.ChatRequest {
	req := ask(question)
	req.Output.Schema = json.RawMessage(schema)
	return req
}

func TestStructured(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, want string }{
		{
			"members", `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"city":{"type":"string"},"email":{"type":"string","format":"email"},"birth_date":{"type":"string","format":"date"}},"required":["name","age","city","email","birth_date"],"additionalProperties":false}`,
			`{"name":"Maria Lopez","age":34,"city":"Madrid","email":"maria@example.com","birth_date":"1990-05-03"}`,
		},
		{"enum", `{"type":"object","properties":{"status":{"enum":["active","retired"]}},"required":["status"]}`, `{"status":"active"}`},
		{"nested", `{"type":"object","properties":{"person":{"type":"object","properties":{"age":{"type":"integer"},"salary":{"type":"number"}},"required":["age"]}},"required":["person"]}`, `{"person":{"age":34,"salary":45000}}`},
		{"not there", `{"type":"object","properties":{"phone":{"type":"string","pattern":"^[0-9]{3}-[0-9]{4}$"},"shoe_size":{"type":["integer","null"]},"rating":{"type":"integer","minimum":1,"maximum":5}},"required":["phone","rating"]}`, ""},
		{"bare", `{"type":"string","enum":["active","retired"]}`, `"active"`},
		{"list", `{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"]}}`, `[{"name":"Maria Lopez","age":34}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp := chat(t, structured(tt.schema, profile))
			got := said(resp)
			if err := valid(t, tt.schema, []byte(got)); err != nil {
				t.Errorf("%s: %v", got, err)
			}
			if tt.want != "" && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	if got := said(chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words("The lamp costs $49. What does the lamp cost?"))}, Output: llm.OutputFormat{JSON: true}})); !json.Valid([]byte(got)) || !strings.Contains(got, "49") {
		t.Errorf("any JSON: %s", got)
	}
}

// randomSchema makes a schema of the keywords that tools and answers are described
// with. Limits fit together: a schema that nothing satisfies proves nothing.
func randomSchema(r *rand.Rand, depth int) map[string]any {
	s := map[string]any{}
	if r.IntN(3) == 0 {
		s["description"] = []string{"Name of the person", "Age in years", "e.g. 'red', 'blue'", "Date in format YYYY-MM-DD", "City and country", "Options: 'small' or 'large'. Default is 'small'."}[r.IntN(6)]
	}
	kinds := []string{"string", "integer", "number", "boolean", "enum", "const", "nullable", "format", "pattern"}
	if depth < 4 {
		kinds = append(kinds, "object", "object", "array", "array", "anyOf", "allOf")
	}
	switch kind := kinds[r.IntN(len(kinds))]; kind {
	case "string":
		s["type"] = "string"
		if r.IntN(2) == 0 {
			s["minLength"] = r.IntN(12)
			s["maxLength"] = 12 + r.IntN(20)
		}
	case "integer", "number":
		s["type"] = kind
		low := r.IntN(50) - 25
		switch r.IntN(4) {
		case 0:
			s["minimum"], s["maximum"] = low, low+r.IntN(20)
		case 1:
			s["exclusiveMinimum"], s["exclusiveMaximum"] = low, low+3+r.IntN(20)
		case 2:
			s["multipleOf"] = 1 + r.IntN(7)
		}
	case "boolean":
		s["type"] = "boolean"
	case "enum":
		s["enum"] = []any{"red", "active", 7, nil, "Madrid"}[r.IntN(3):]
	case "const":
		s["const"] = []any{"fixed", 3, true}[r.IntN(3)]
	case "nullable":
		s["type"] = []any{"null", []string{"string", "integer", "array"}[r.IntN(3)]}
	case "format":
		s["type"], s["format"] = "string", []string{"date", "date-time", "email", "uri", "uuid", "ipv4"}[r.IntN(6)]
	case "pattern":
		s["type"], s["pattern"] = "string", []string{`^[A-Z]{2}[0-9]+$`, `^\d{4}-\d{2}$`, `^(a|b)+c?$`, `^.{5,9}$`}[r.IntN(4)]
	case "object":
		props := map[string]any{}
		var required []any
		for range r.IntN(5) {
			name := []string{"name", "age", "city", "birth_date", "email", "tags", "status", "amount", "is_active"}[r.IntN(9)]
			props[name] = randomSchema(r, depth+1)
			if r.IntN(2) == 0 {
				required = append(required, name)
			}
		}
		s["type"], s["properties"] = "object", props
		if required != nil {
			s["required"] = unique(required)
		}
		if r.IntN(2) == 0 {
			s["additionalProperties"] = false
		}
	case "array":
		s["type"], s["items"] = "array", randomSchema(r, depth+1)
		if r.IntN(2) == 0 {
			s["minItems"] = r.IntN(3)
			s["maxItems"] = 3 + r.IntN(3)
		}
	case "anyOf":
		s["anyOf"] = []any{randomSchema(r, depth+1), randomSchema(r, depth+1)}
	case "allOf":
		s["allOf"] = []any{map[string]any{"type": "object", "properties": map[string]any{"name": map[string]any{"type": "string"}}, "required": []any{"name"}}, map[string]any{"properties": map[string]any{"age": map[string]any{"type": "integer"}}}}
	}
	return s
}

func unique(list []any) []any {
	seen := map[any]bool{}
	var out []any
	for _, x := range list {
		if !seen[x] {
			seen[x] = true
			out = append(out, x)
		}
	}
	return out
}

// TestAlwaysValid fills random schemas from different texts, as an answer's format
// and as a forced tool's arguments.
func TestAlwaysValid(t *testing.T) {
	t.Parallel()
	questions := []string{profile, "", "17 apples, 3.5 kg and -2", "red blue active small", "今日は 2024-01-05 です", `{"name":"x","age":"y"}`, "AB12 abc 2020-10 aabc Madrid 9999999999999"}
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 1))
		raw, err := json.Marshal(randomSchema(r, 0))
		if err != nil {
			t.Fatal(err)
		}
		schema := string(raw)
		question := questions[seed%uint64(len(questions))]
		got := said(chat(t, structured(schema, question+"?")))
		if err := valid(t, schema, []byte(got)); err != nil {
			t.Fatalf("seed %d\nschema %s\ntext %s\nanswer %s\n%v", seed, schema, question, got, err)
		}
		input := `{"type":"object","properties":{"x":` + schema + `},"required":["x"]}`
		resp := chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words(question + "!"))}, Tools: []llm.Tool{tool("do_x", "Does x", input)}, ToolChoice: llm.ToolChoice{Mode: llm.ToolAny}})
		for _, b := range resp.Message.Content {
			use := b.(*llm.ToolUse)
			if err := valid(t, input, use.Input); err != nil {
				t.Fatalf("seed %d\nschema %s\ntext %s\ninput %s\n%v", seed, input, question, use.Input, err)
			}
		}
		if len(resp.Message.Content) == 0 {
			t.Fatalf("seed %d: no call", seed)
		}
	}
}

// TestHostileSchemas makes sure that no schema takes long or more than its share.
func TestHostileSchemas(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("seconds of work: not with -short")
	}
	deep := strings.Repeat(`{"type":"object","required":["a"],"properties":{"a":`, 5000) + `{"type":"string"}` + strings.Repeat(`}}`, 5000)
	var wide strings.Builder
	wide.WriteString(`{"type":"object","properties":{`)
	for i := range 3000 {
		if i > 0 {
			wide.WriteByte(',')
		}
		fmt.Fprintf(&wide, `"field_%d":{"type":"string","description":"the value of field %d, such as 'a', 'b' or 'c'"}`, i, i)
	}
	wide.WriteString(`}}`)
	fan := `{"$defs":{"n":{"type":"object","properties":{` + strings.TrimSuffix(strings.Repeat(`"x":{"$ref":"#/$defs/n"},`, 1), ",") + `,"l":{"$ref":"#/$defs/n"},"r":{"$ref":"#/$defs/n"},"m":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}`
	for name, schema := range map[string]string{
		"deep": deep, "wide": wide.String(), "fan": fan,
		"itself": `{"$ref":"#"}`, "circle": `{"$ref":"#/a","a":{"$ref":"#/b"},"b":{"$ref":"#/a"}}`,
		"required circle": `{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`,
		"all of itself":   `{"allOf":[{"$ref":"#"},{"$ref":"#"},{"$ref":"#"}]}`,
		"huge array":      `{"type":"array","minItems":1000000000,"items":{"type":"array","minItems":1000000000,"items":{"type":"string"}}}`,
		"huge string":     `{"type":"object","required":["s"],"properties":{"s":{"type":"string","minLength":2000000000}}}`,
		"pattern":         `{"type":"object","required":["s"],"properties":{"s":{"type":"string","pattern":"(a{900}){900}"}}}`,
		"no JSON":         `{"type":`, "a list": `[1,2]`, "wrong types": `{"type":7,"properties":[1],"required":"x","enum":3,"minimum":"low"}`,
	} {
		start := time.Now()
		got := said(chat(t, structured(schema, profile)))
		if !json.Valid([]byte(got)) || len(got) > 64<<20 {
			t.Errorf("%s: answer of %d bytes is no JSON", name, len(got))
		}
		chat(t, &llm.ChatRequest{Messages: []llm.Message{user(words(profile))}, Tools: []llm.Tool{{Name: "x", InputSchema: json.RawMessage(schema)}}, ToolChoice: llm.ToolChoice{Mode: llm.ToolAny}})
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}

func FuzzChat(f *testing.F) {
	f.Add(profile, `{"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer"}},"required":["n"]}`, `{"a":[1,{"b":"c"}]}`)
	f.Add("What's between 3 and (4, 5)? \"x\" 2x^2 [1, 2", `{"type":"array","items":{"$ref":"#"}}`, `[[`)
	f.Fuzz(func(t *testing.T, question, schema, result string) {
		tools := []llm.Tool{{Name: "lookup_item", Description: question, InputSchema: json.RawMessage(schema)}, weather}
		use := &llm.ToolUse{ID: "1", Name: "lookup_item", Input: json.RawMessage(`{}`)}
		for _, req := range []*llm.ChatRequest{
			ask(question, &llm.Document{Text: result, Citations: true}),
			structured(schema, question),
			{Messages: []llm.Message{user(words(question))}, Tools: tools},
			{Messages: []llm.Message{user(words(question))}, Tools: tools, ToolChoice: llm.ToolChoice{Mode: llm.ToolAny}},
			{Messages: []llm.Message{user(words(question)), assistant(use), user(&llm.ToolResult{ToolUseID: "1", Content: []llm.Block{&llm.JSON{Value: json.RawMessage(result)}, words(result)}})}, Tools: tools},
		} {
			req.Stream = true
			for _, b := range chat(t, req).Message.Content {
				if u, ok := b.(*llm.ToolUse); ok && !json.Valid(u.Input) {
					t.Errorf("input %q is no JSON", u.Input)
				}
			}
		}
	})
}
