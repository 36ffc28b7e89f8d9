package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validator compiles a schema with an independent implementation.
func validator(schema string) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("https://schema.test/root.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("https://schema.test/root.json")
}

func validate(s *jsonschema.Schema, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// schemaCase is a schema with texts that are generated, and texts that are not.
type schemaCase struct {
	schema  string
	valid   []string
	invalid []string
}

var schemaCases = []schemaCase{
	{
		`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a"]}`,
		[]string{`{"a":"x"}`, `{"a": "x", "b": 12}`, "{\n  \"a\": \"\",\n  \"b\": -3\n}", `{ "a": "x" }`},
		[]string{`{}`, `{"b":1,"a":"x"}`, `{"a":"x","c":1}`, `{"a":1}`, `{"a":"x","b":1.5}`, `{"a":"x","a":"y"}`, `{"a" :"x"}`},
	},
	{
		`{"type":"object","properties":{"a":{},"b":{},"c":{}}}`,
		[]string{`{}`, `{"a":1}`, `{"b":[]}`, `{"a":{},"c":null}`, `{"a":1,"b":2,"c":3}`},
		[]string{`{"a":1,}`, `{,"a":1}`, `{"c":1,"a":2}`},
	},
	{
		`{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"}}`,
		[]string{`{}`, `{"x":"y"}`, `{"a":1,"x":"y","z":""}`},
		[]string{`{"a":"y"}`, `{"x":1}`, `{"x":"y","a":1}`, `{"\u0061":"y"}`},
	},
	{
		`{"type":"object","additionalProperties":true,"properties":{"ab":{"type":"null"}}}`,
		[]string{`{"a":1,"abc":2}`, `{"ab":null}`, `{"b":"x"}`},
		[]string{`{"ab":1}`, `{"x":1,"ab":1}`},
	},
	{`{"type":"object","required":["z"],"properties":{"a":{"type":"boolean"}}}`, []string{`{"z":[1]}`, `{"a":true,"z":0}`}, []string{`{}`, `{"a":true}`}},
	{`{"type":"object"}`, []string{`{}`, `{"x":{"y":[1]}}`}, []string{`[]`}},
	{`{"properties":{"a":{"type":"integer"}}}`, []string{`{"a":1}`, `{}`}, []string{`"x"`}},
	{`{"type":"object","properties":{},"additionalProperties":false}`, []string{`{}`}, []string{`{"a":1}`}},
	{
		`{"type":"object","patternProperties":{"^s_":{"type":"string"},"^i_":{"type":"integer"}},"additionalProperties":false}`,
		[]string{`{}`, `{"s_a":"x","i_b":2}`, `{"i_":1}`},
		[]string{`{"s_a":1}`, `{"x":1}`},
	},
	{
		`{"type":"object","properties":{"s_x":{"minLength":2}},"patternProperties":{"^s_":{"type":"string"}},"additionalProperties":{"type":"boolean"}}`,
		[]string{`{"s_x":"ab","s_y":"","b":true}`},
		[]string{`{"s_x":"a"}`, `{"s_x":1}`, `{"b":1}`, `{"s_z":true}`},
	},
	{`{"type":"object","propertyNames":{"pattern":"^[a-z]{1,3}$"},"additionalProperties":{"type":"integer"}}`, []string{`{"abc":1}`, `{}`}, []string{`{"abcd":1}`, `{"A":1}`, `{"":1}`}},
	{`{"type":"object","propertyNames":{"enum":["x","y"]},"additionalProperties":true}`, []string{`{"x":1}`, `{"y":[]}`}, []string{`{"z":1}`}},
	{
		`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},"minProperties":2,"maxProperties":2}`,
		[]string{`{"a":1,"b":2}`, `{"a":1,"c":2}`, `{"b":1,"c":2}`},
		[]string{`{}`, `{"a":1}`, `{"a":1,"b":2,"c":3}`},
	},
	{
		`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},"required":["b"],"maxProperties":2}`,
		[]string{`{"b":1}`, `{"a":1,"b":2}`, `{"b":1,"c":2}`},
		[]string{`{}`, `{"a":1,"c":2}`, `{"a":1,"b":2,"c":3}`},
	},
	{`{"type":"object","additionalProperties":{"type":"integer"},"minProperties":1,"maxProperties":2}`, []string{`{"a":1}`, `{"a":1,"b":2}`}, []string{`{}`, `{"a":1,"b":2,"c":3}`}},
	{`{"type":"array","items":{"type":"integer"}}`, []string{`[]`, `[1]`, `[1, 2,3]`, "[\n  1,\n  2\n]"}, []string{`[1,]`, `["a"]`, `[1 , 2]`}},
	{`{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3}`, []string{`[1,2]`, `[1,2,3]`}, []string{`[]`, `[1]`, `[1,2,3,4]`, `[1,2,3,]`}},
	{`{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}]}`, []string{`[]`, `[1]`, `[1,"a"]`}, []string{`["a"]`, `[1,2]`, `[1,"a",2]`}},
	{`{"type":"array","prefixItems":[{"type":"integer"}],"items":{"type":"string"},"minItems":2,"maxItems":3}`, []string{`[1,"a"]`, `[1,"a","b"]`}, []string{`[1]`, `["a"]`, `[1,"a","b","c"]`}},
	{`{"type":"array","prefixItems":[{"type":"integer"}],"items":false}`, []string{`[]`, `[1]`}, []string{`[1,2]`}},
	{`{"type":"array","items":[{"type":"integer"}],"additionalItems":{"type":"null"}}`, nil, nil},
	{`{"type":"array","maxItems":0}`, []string{`[]`}, []string{`[1]`}},
	{`{"type":"array","maxItems":1,"uniqueItems":true}`, []string{`[]`, `[{}]`}, []string{`[1,1]`}},
	{`{"type":"array","items":{"enum":["a","b",{"c":1},2]},"uniqueItems":true}`, []string{`[]`, `["a"]`, `["a", {"c": 1}, 2]`, `["a","b",{"c":1},2]`}, []string{`["a","a"]`, `["x"]`, `["a",]`}},
	{`{"type":"array","items":{"$ref":"#/$defs/e"},"uniqueItems":true,"minItems":2,"maxItems":3,"$defs":{"e":{"type":"string","enum":["a","b","c","d"]}}}`, []string{`["a","b"]`, `["a","c","d"]`, `["c","d"]`}, []string{`[]`, `["d"]`, `["a","b","c","d"]`, `["a","a"]`}},
	{`{"type":"array","items":{"type":"integer"},"maxItems":1000000000}`, []string{`[1,2,3]`}, nil},
	{`{"type":"string","minLength":2,"maxLength":3}`, []string{`"ab"`, `"abc"`, `"é😀"`, `"\ud83d\ude00\n\u00e9"`}, []string{`"a"`, `"abcd"`, `"\u0061"`, `"😀"`}},
	{`{"type":"string","maxLength":0}`, []string{`""`}, []string{`"a"`}},
	{`{"type":"string","pattern":"^[a-c]+\\d$"}`, []string{`"ab1"`, `"\u0061\u00311"`[:7] + `1"`}, []string{`""`, `"a"`, `"d1"`, `"a1b"`}},
	{`{"type":"string","pattern":"foo"}`, []string{`"foo"`, `"xfoox"`, `"\nfo\u006f"`}, []string{`"fo"`, `""`}},
	{`{"type":"string","pattern":"^(ab)*$","minLength":3,"maxLength":5}`, []string{`"abab"`}, []string{`"ab"`, `"ababab"`, `"aba"`}},
	{`{"type":"string","pattern":"^\"\\\\$"}`, []string{`"\"\\"`, `"\u0022\u005c"`}, []string{`""`}},
	{`{"type":"string","pattern":"^[😀-😂]é$"}`, []string{`"😁é"`, `"\ud83d\ude01\u00E9"`}, []string{`"😃é"`, `"\ud83d\ude03é"`}},
	{`{"type":"string","format":"date"}`, []string{`"2024-02-29"`}, []string{`"2023-02-29"`, `"x"`}},
	{`{"type":"string","format":"date-time"}`, []string{`"2024-02-29T10:11:12Z"`, `"2024-02-29T10:11:12.5+01:00"`}, []string{`"2024-02-29"`}},
	{`{"type":"string","format":"time"}`, []string{`"10:11:12Z"`}, []string{`"25:00:00Z"`}},
	{`{"type":"string","format":"email"}`, []string{`"a.b@c.de"`}, []string{`"a"`}},
	{`{"type":"string","format":"uuid"}`, []string{`"123e4567-e89b-12d3-a456-426614174000"`}, []string{`"123"`}},
	{`{"type":"string","format":"ipv4"}`, []string{`"1.2.3.4"`}, []string{`"1.2.3"`}},
	{`{"type":"string","format":"ipv6"}`, []string{`"::1"`}, []string{`"1"`}},
	{`{"type":"string","format":"uri"}`, []string{`"https://a.b/c?d"`}, []string{`"a b"`}},
	{`{"type":"string","format":"hostname","maxLength":9}`, []string{`"a.b"`}, []string{`"-a"`, `"abcdefghij"`}},
	{`{"type":"string","format":"duration"}`, []string{`"P1DT2H"`}, []string{`"1D"`}},
	{`{"type":"string","format":"color"}`, []string{`"anything"`}, nil},
	{`{"enum":["a","b",1,true,null,{"x":[1,2]},1.5]}`, []string{`"a"`, `1`, `true`, `null`, `{"x": [1, 2]}`, `{"x":[1,2]}`, `1.5`}, []string{`"c"`, `false`, `{"x":[1]}`, `"ab"`}},
	{`{"type":"string","enum":["a",1,"bb"],"minLength":2}`, []string{`"bb"`}, []string{`"a"`, `1`}},
	{`{"const":"a\"b\n"}`, []string{`"a\"b\n"`}, []string{`"a"`}},
	{`{"const":{"a":{"b":[]}}}`, []string{`{"a": {"b": []}}`}, []string{`{}`}},
	{`{"type":"integer"}`, []string{`0`, `-1`, `123`, `9223372036854775807`, `-9223372036854775808`}, []string{`01`, `1.0`, `9223372036854775808`, `-0`, `1e3`, `12345678901234567890`}},
	{`{"type":"number"}`, []string{`0`, `-0.5`, `1e10`, `1.5E-7`, `3.141592653589793`}, []string{`1.`, `.5`, `1e999`, `00`}},
	{`{"type":"integer","minimum":-12,"maximum":105}`, []string{`-12`, `0`, `9`, `99`, `105`, `-1`}, []string{`-13`, `106`, `-99`, `1000`, `-0`}},
	{`{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5}`, []string{`4`}, []string{`3`, `5`}},
	{`{"type":"integer","minimum":2.5,"maximum":3.5}`, []string{`3`}, []string{`2`, `4`}},
	{`{"type":"integer","minimum":100}`, []string{`100`, `99999`}, []string{`99`, `-100`}},
	{`{"type":"integer","maximum":-5}`, []string{`-5`, `-100`}, []string{`-4`, `5`}},
	{`{"type":"integer","multipleOf":7}`, []string{`0`, `49`, `-14`}, []string{`1`, `50`}},
	{`{"type":"integer","multipleOf":2.5}`, []string{`0`, `5`, `-15`}, []string{`2`, `7`}},
	{`{"type":"integer","allOf":[{"multipleOf":4},{"multipleOf":6}],"maximum":30,"minimum":1}`, []string{`12`, `24`}, []string{`4`, `36`, `0`}},
	{`{"type":"number","minimum":-1.25,"maximum":2.5}`, []string{`-1.25`, `-1.2`, `2.5`, `2.50`, `0`, `0.001`, `-0.5`, `1`}, []string{`-1.26`, `2.51`, `3`, `-2`, `1e0`}},
	{`{"type":"number","exclusiveMinimum":0,"maximum":1}`, []string{`0.1`, `1`, `1.0`, `0.000001`}, []string{`0`, `0.0`, `1.01`, `-1`}},
	{`{"type":"number","multipleOf":0.01}`, []string{`1.25`, `3`, `0.5`, `-2.1`}, []string{`1.255`}},
	{`{"type":"number","minimum":1e3,"maximum":1.5e3}`, []string{`1000`, `1234.5`, `1500`}, []string{`999.9`, `1500.1`}},
	{`{"type":"boolean"}`, []string{`true`, `false`}, []string{`null`, `"true"`}},
	{`{"type":["string","null"]}`, []string{`"a"`, `null`}, []string{`1`}},
	{`{"type":["integer","string"],"minimum":3,"minLength":2}`, []string{`3`, `"ab"`}, []string{`2`, `"a"`}},
	{`{"minimum":3}`, []string{`3`, `4.5`}, []string{`2`}},
	{`true`, []string{`1`, `{"a":[]}`}, nil},
	{`{}`, []string{`1`, `{"a":[]}`, `null`}, nil},
	{`{"title":"t","description":"d","default":1,"examples":[2],"$comment":"c","x-unknown":{"type":"integer"},"type":"null","deprecated":true}`, []string{`null`}, []string{`1`}},
	{`{"anyOf":[{"type":"integer"},{"type":"string","maxLength":2}]}`, []string{`12`, `"ab"`}, []string{`"abc"`, `1.5`}},
	{
		`{"type":"object","properties":{"k":{"type":"string"}},"required":["k"],"anyOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"integer"}},"required":["b"]}]}`,
		[]string{`{"k":"","a":1}`, `{"k":"","b":1}`},
		[]string{`{"k":""}`, `{"a":1}`},
	},
	{
		`{"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"x":{"type":"integer"}},"required":["t","x"]},{"type":"object","properties":{"t":{"const":"b"},"y":{"type":"string"}},"required":["t"]}]}`,
		[]string{`{"t":"a","x":1}`, `{"t":"b"}`, `{"t": "b", "y": ""}`},
		[]string{`{"t":"a"}`, `{"t":"b","x":1}`, `{"t":"c"}`},
	},
	{`{"oneOf":[{"type":"string"},{"type":"null"},{"type":"integer","maximum":3},{"type":"integer","minimum":4}]}`, []string{`"a"`, `null`, `3`, `4`}, []string{`1.5`}},
	{
		`{"oneOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"]}]}`,
		[]string{`{"a":1}`, `{"b":1}`},
		[]string{`{"a":1,"b":1}`, `{}`},
	},
	{`{"oneOf":[{"enum":[1,2,3]},{"enum":[3,4]}]}`, []string{`1`, `2`, `4`}, []string{`3`}},
	{`{"type":"integer","enum":[1,2,3],"not":{"const":2}}`, []string{`1`, `3`}, []string{`2`}},
	{`{"type":"string","not":{"type":"integer"}}`, []string{`"a"`}, []string{`1`}},
	{
		`{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"a":{"maxLength":1},"b":{"type":"integer"}},"required":["b"]}]}`,
		[]string{`{"a":"x","b":1}`},
		[]string{`{"a":"xy","b":1}`, `{"a":"x"}`},
	},
	{`{"allOf":[{"properties":{"a":{"type":"integer"}},"additionalProperties":false},{"properties":{"b":{"type":"integer"}}}],"type":"object"}`, []string{`{}`, `{"a":1}`}, []string{`{"b":1}`}},
	{`{"allOf":[{"type":["integer","string"]},{"type":["string","null"]}]}`, []string{`"a"`}, []string{`1`, `null`}},
	{`{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#"}},"required":["v"]}`, []string{`{"v":1}`, `{"v":1,"next":{"v":2,"next":{"v":3}}}`}, []string{`{"v":1,"next":{}}`}},
	{`{"$defs":{"tree":{"type":"object","properties":{"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}}}},"$ref":"#/$defs/tree"}`, []string{`{}`, `{"kids":[{"kids":[]},{}]}`}, []string{`{"kids":[1]}`}},
	{`{"definitions":{"a/b~c %d":{"type":"integer"}},"type":"array","items":{"$ref":"#/definitions/a~1b~0c%20%25d"}}`, []string{`[1]`}, []string{`["a"]`}},
	{`{"$defs":{"x":{"$anchor":"here","type":"integer"}},"$ref":"#here","maximum":5}`, []string{`5`}, []string{`6`}},
	{`{"$id":"https://example.com/s.json","$defs":{"x":{"type":"integer"}},"$ref":"https://example.com/s.json#/$defs/x"}`, []string{`5`}, []string{`"a"`}},
	{`{"$defs":{"j":{"anyOf":[{"type":"integer"},{"type":"array","items":{"$ref":"#/$defs/j"}}]}},"$ref":"#/$defs/j"}`, []string{`1`, `[1,[2,[]]]`}, []string{`"a"`, `[[}`}},
	{`{"type":"object","properties":{"a":false,"b":{"type":"integer"}}}`, []string{`{}`, `{"b":1}`}, []string{`{"a":1}`}},
	{`{"type":"object","properties":{"é\"\n":{"type":"integer"},"":{"type":"null"}},"required":["é\"\n"]}`, []string{`{"é\"\n": 1}`, `{"é\"\n":1,"":null}`}, []string{`{"":null}`}},
	{`{"type":"object","properties":{"a":{"type":"integer"}},"unevaluatedProperties":false}`, []string{`{"a":1}`}, []string{`{"b":1}`}},
	{`{"properties":{"a":{"type":"integer"}},"unevaluatedProperties":false,"enum":[{"a":1},{"b":1},{}]}`, []string{`{"a":1}`, `{}`}, []string{`{"b":1}`}},
	{`{"prefixItems":[true],"unevaluatedItems":false,"enum":[[1],[1,2],[]]}`, []string{`[1]`, `[]`}, []string{`[1,2]`}},
	{`{"type":"object","properties":{"a":{"type":"string"},"ab":{"type":"string"},"abc":{"type":"string"}},"required":["ab"]}`, []string{`{"ab":""}`, `{"a":"","ab":"","abc":""}`}, []string{`{"abc":""}`}},
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	for _, x := range schemaCases {
		if x.valid == nil && x.invalid == nil {
			continue
		}
		t.Run(x.schema[:min(len(x.schema), 60)], func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 1))
			g, err := c.Compile(Schema(json.RawMessage(x.schema)))
			if err != nil {
				t.Fatal(err)
			}
			check, err := validator(x.schema)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range x.valid {
				if err := validate(check, text); err != nil {
					t.Errorf("the case is wrong: %s: %v", text, err)
				}
				for range 4 {
					if err := read(g.Start(), v, text, random); err != nil {
						t.Errorf("%s: %v", text, err)
						break
					}
				}
			}
			for _, text := range x.invalid {
				if err := read(g.Start(), v, text, random); err == nil {
					t.Errorf("%s is accepted", text)
				}
			}
			for range 30 {
				checkWalk(t, g, v, random, check)
			}
		})
	}
}

// checkWalk generates a text by chance, completes it and has it validated.
func checkWalk(t *testing.T, g *Grammar, v *testVocab, random *rand.Rand, check *jsonschema.Schema) {
	t.Helper()
	text := generate(t, g, v, random, 1+random.IntN(25))
	if err := validate(check, text); err != nil {
		t.Fatalf("generated %s: %v", text, err)
	}
}

// generate draws tokens from the masks, then completes the text the shortest way.
func generate(t *testing.T, g *Grammar, v *testVocab, random *rand.Rand, steps int) string {
	t.Helper()
	s := g.Start()
	bits := bitsOf(v)
	var text []byte
	for range steps {
		if err := s.Mask(bits); err != nil {
			t.Fatalf("behind %q: %v", text, err)
		}
		ids := allowed(bits)
		if random.IntN(8) == 0 {
			if want := bruteForce(s, v); !slices.Equal(ids, want) {
				t.Fatalf("behind %q: mask %v, brute force %v", text, pieces(v, ids), pieces(v, want))
			}
		}
		id := ids[random.IntN(len(ids))]
		if err := s.Accept(id); err != nil {
			t.Fatalf("behind %q: %q is in the mask: %v", text, v.Piece(id), err)
		}
		if id == endToken {
			if !s.Done() || !s.Complete() {
				t.Fatal("not done behind the end")
			}
			return string(text)
		}
		text = append(text, v.Piece(id)...)
	}
	rest := s.Shortest()
	if rest == nil {
		t.Fatalf("nothing completes %q", text)
	}
	for _, id := range rest {
		if err := s.Accept(id); err != nil {
			t.Fatalf("behind %q: %q of the completion: %v", text, v.Piece(id), err)
		}
		text = append(text, v.Piece(id)...)
	}
	if !s.Complete() {
		t.Fatalf("%q is not complete", text)
	}
	return string(text)
}

// TestComposedSchemas joins the cases to each other in all the ways there are.
func TestComposedSchemas(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	random := rand.New(rand.NewPCG(5, 9))
	shapes := []string{
		`{"allOf":[%[1]s,%[2]s]}`, `{"anyOf":[%[1]s,%[2]s]}`, `{"oneOf":[%[1]s,%[2]s]}`, `{"allOf":[%[1]s],"not":%[2]s}`,
		`{"type":"array","items":{"oneOf":[%[1]s,%[2]s]},"minItems":1}`, `{"anyOf":[%[1]s,%[2]s],"allOf":[%[3]s]}`,
		`{"type":"object","properties":{"a":%[1]s,"b":%[2]s},"required":["b"],"additionalProperties":%[3]s}`,
		`{"oneOf":[%[1]s,%[2]s],"anyOf":[%[3]s,true]}`, `{"type":"object","patternProperties":{"^a":%[1]s,"b$":%[2]s},"properties":{"ab":%[3]s},"minProperties":1}`,
		`{"if":%[1]s,"then":%[2]s,"else":%[3]s}`, `{"type":"object","properties":{"a":%[1]s,"b":%[2]s},"dependentSchemas":{"a":%[3]s}}`,
	}
	count, compiled := 2500, 0
	if testing.Short() {
		count = 300
	}
	for range count {
		x, y, z := schemaCases[random.IntN(len(schemaCases))], schemaCases[random.IntN(len(schemaCases))], schemaCases[random.IntN(len(schemaCases))]
		schema := fmt.Sprintf(shapes[random.IntN(len(shapes))]+"%[3]s", x.schema, y.schema, z.schema)
		schema = strings.TrimSuffix(schema, z.schema)
		if strings.Contains(schema, "#") || strings.Contains(schema, "additionalItems") {
			continue // references would lead elsewhere
		}
		g, err := c.Compile(Schema(json.RawMessage(schema)))
		if err != nil {
			continue
		}
		compiled++
		check, err := validator(schema)
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		text := generate(t, g, v, random, random.IntN(40))
		if err := validate(check, text); err != nil {
			t.Fatalf("%s: generated %s: %v", schema, text, err)
		}
		for _, text := range slices.Concat(x.valid, x.invalid, y.valid, y.invalid) {
			if read(g.Start(), v, text, random) == nil && validate(check, text) != nil {
				t.Fatalf("%s: accepts %s", schema, text)
			}
		}
	}
	if compiled < count/4 {
		t.Errorf("only %d of %d compile", compiled, count)
	}
}

func TestSchemaErrors(t *testing.T) {
	t.Parallel()
	c := NewCompiler(smallVocab())
	unsupported := func(schema, keyword, pointer string) {
		t.Helper()
		_, err := c.Compile(Schema(json.RawMessage(schema)))
		var e *UnsupportedError
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v, want an UnsupportedError", schema, err)
			return
		}
		if e.Keyword != keyword || e.Pointer != pointer {
			t.Errorf("%s: got %q at %q, want %q at %q", schema, e.Keyword, e.Pointer, keyword, pointer)
		}
	}
	unsupported(`{"type":"array","uniqueItems":true}`, "uniqueItems", "/uniqueItems")
	unsupported(`{"type":"array","uniqueItems":true,"items":{"type":"string"}}`, "uniqueItems", "/uniqueItems")
	unsupported(`{"properties":{"a/b":{"not":{"type":"string"},"type":["string","null"]}}}`, "not", "/properties/a~1b/not")
	unsupported(`{"type":"integer","if":{"minimum":1},"then":{"maximum":5},"else":{"minimum":-5}}`, "if", "/if")
	unsupported(`{"type":"array","contains":{"const":1}}`, "contains", "/contains")
	unsupported(`{"type":"string","pattern":"(?=a)"}`, "pattern", "/pattern")
	unsupported(`{"type":"string","pattern":"\\bfoo"}`, "pattern", "/pattern")
	unsupported(`{"type":"string","pattern":"^(a|b)*a(a|b){40}$"}`, "pattern", "/pattern")
	unsupported(`{"type":"string","format":"regex"}`, "format", "/format")
	unsupported(`{"$ref":"https://example.com/x.json"}`, "$ref", "/$ref")
	unsupported(`{"oneOf":[true,{"type":"string","pattern":"^a$","allOf":[{"pattern":"^b$"}]},true]}`, "oneOf", "/oneOf")
	unsupported(`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "oneOf", "/oneOf")
	unsupported(`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"oneOf":[{"required":["a"]},{"required":["b"]}]}`, "oneOf", "/oneOf")
	unsupported(`{"type":"object","additionalProperties":{"type":"integer"},"minProperties":3}`, "minProperties", "/minProperties")
	unsupported(`{"$dynamicRef":"#x"}`, "$dynamicRef", "/$dynamicRef")
	unsupported(`{"type":"object","unevaluatedProperties":{"type":"integer"}}`, "unevaluatedProperties", "/unevaluatedProperties")

	invalid := func(schema string) {
		t.Helper()
		_, err := c.Compile(Schema(json.RawMessage(schema)))
		if _, ok := errors.AsType[*InvalidError](err); !ok {
			t.Errorf("%s: got %v, want an InvalidError", schema, err)
		}
	}
	for _, schema := range []string{
		``, `{`, `1`, `"a"`, `{} {}`, `false`, `{"type":"dict"}`, `{"type":1}`, `{"type":[]}`, `{"properties":1}`, `{"required":1}`, `{"required":[1]}`, `{"enum":1}`, `{"enum":[]}`,
		`{"allOf":[{"pattern":"^a$"},{"pattern":"^b$"}],"type":"string"}`, `{"items":1}`, `{"anyOf":[]}`, `{"anyOf":{}}`, `{"$ref":"#/nope"}`, `{"$ref":1}`, `{"$ref":"#"}`, `{"anyOf":[{"$ref":"#"}]}`, `{"minLength":-1}`, `{"minLength":1.5}`, `{"minLength":"a"}`,
		`{"type":"string","minLength":5,"maxLength":4}`, `{"type":"integer","minimum":5,"maximum":4}`, `{"type":"integer","minimum":1.1,"maximum":1.9}`, `{"type":"array","minItems":2,"maxItems":1}`,
		`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, `{"type":"array","items":{"$ref":"#"},"minItems":1}`, `{"allOf":[{"type":"string"},{"type":"integer"}]}`,
		`{"type":"string","pattern":"^a$","minLength":2}`, `{"const":1,"enum":[2]}`, `{"type":"string","enum":[1]}`, `{"multipleOf":0}`, `{"multipleOf":-1}`, `{"minimum":"a"}`, `{"a":1,"a":2}`,
		`{"type":"object","properties":{"a":false},"required":["a"]}`, `{"type":"object","minProperties":3,"properties":{"a":{}}}`, `{"type":"integer","multipleOf":10,"minimum":1,"maximum":9}`, `{"oneOf":[{"const":1},{"const":1}]}`,
		`{"type":"string","pattern":1}`, `{"type":"string","format":1}`, `{"$ref":"#nope"}`, `{"$ref":"#/%zz"}`, `{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}`, `{"patternProperties":1}`,
	} {
		invalid(schema)
	}
}

func TestHostileSchemas(t *testing.T) {
	t.Parallel()
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	compile := func(name, schema string) (*Grammar, error) {
		begin := time.Now()
		g, err := c.Compile(Schema(json.RawMessage(schema)))
		t.Logf("%s: %d bytes compile in %v", name, len(schema), time.Since(begin))
		return g, err
	}
	limit := func(name, schema string) {
		t.Helper()
		_, err := compile(name, schema)
		if _, ok := errors.AsType[*LimitError](err); !ok {
			t.Errorf("%s: got %v, want a LimitError", name, err)
		}
	}
	fine := func(name, schema string) *Grammar {
		t.Helper()
		g, err := compile(name, schema)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return g
	}
	limit("long", `{"description":"`+strings.Repeat("x", 3<<20)+`"}`)
	limit("deep", strings.Repeat(`{"items":`, 1000)+`{}`+strings.Repeat(`}`, 1000))
	limit("deep text", strings.Repeat(`{"type":"array","minItems":1,"items":`, 120)+`{}`+strings.Repeat(`}`, 120))
	limit("least items", `{"type":"array","minItems":1000000000}`)
	limit("least characters", `{"type":"string","minLength":1000000000}`)
	limit("much of it", `{"type":"array","minItems":4000,"items":{"type":"array","minItems":4000,"items":{"type":"integer"}}}`)
	limit("huge number", `{"type":"number","minimum":1e100000}`)
	limit("huge multiple", `{"type":"integer","multipleOf":123456789}`)
	limit("pattern with length", `{"type":"string","pattern":"^([a-f]{30}|[g-z]{29})*$","minLength":65000}`)

	many := func(n int, item func(i int) string) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(`"p%d":%s`, i, item(i)))
		}
		return `{"type":"object","properties":{` + strings.Join(parts, ",") + `}}`
	}
	limit("many patterns", many(4000, func(i int) string { return fmt.Sprintf(`{"type":"string","pattern":"^(a|b)*a(a|b){11}%d$"}`, i) }))
	limit("many letters", many(4000, func(i int) string { return fmt.Sprintf(`{"type":"string","pattern":"^\\p{L}{400}%d$"}`, i) }))
	limit("many multiples", many(4000, func(i int) string { return fmt.Sprintf(`{"type":"integer","multipleOf":%d}`, 900+i) }))
	limit("many lengths", many(4000, func(i int) string {
		return fmt.Sprintf(`{"type":"string","pattern":"^[a-z]{0,9}%d","minLength":60000}`, i)
	}))
	limit("many names", many(5000, func(int) string { return `{}` }))
	limit("long name", `{"type":"object","properties":{"`+strings.Repeat("x", 5000)+`":{}}}`)
	limit("many properties to count", strings.TrimSuffix(many(3000, func(int) string { return `{"type":"null"}` }), "}")+`,"minProperties":2900}`)
	var required []string
	for i := range 3000 {
		required = append(required, fmt.Sprintf(`"p%d"`, i))
	}
	fine("many required", strings.TrimSuffix(many(3000, func(int) string { return `{"type":"null"}` }), "}")+`,"required":[`+strings.Join(required, ",")+`]}`)
	var keys []string
	for i := range 100 {
		keys = append(keys, fmt.Sprintf(`"^a%d":{}`, i))
	}
	limit("many key patterns", `{"type":"object","patternProperties":{`+strings.Join(keys, ",")+`}}`)

	var product []string
	for i := range 12 {
		product = append(product, fmt.Sprintf(`{"anyOf":[{"properties":{"a%d":{"type":"integer"}}},{"properties":{"b%d":{"type":"integer"}}}]}`, i, i))
	}
	limit("product of choices", `{"type":"object","allOf":[`+strings.Join(product, ",")+`]}`)
	chain := `{"$ref":"#/$defs/d0","$defs":{`
	for i := range 60 {
		chain += fmt.Sprintf(`"d%d":{"anyOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	limit("doubling references", chain+`"d60":{"type":"integer"}}}`)

	nested := `{"$defs":{"n0":{"type":"integer"}`
	for i := 1; i <= 40; i++ { // 2 to the 40th ways to read one text
		nested += fmt.Sprintf(`,"n%d":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/n%d"}},{"type":"array","minItems":1,"items":{"$ref":"#/$defs/n%d"}}]}`, i, i-1, i-1)
	}
	g := fine("ambiguous", nested+`},"$ref":"#/$defs/n40"}`)
	if g != nil {
		text := strings.Repeat("[", 40) + "1,2" + strings.Repeat("]", 40)
		if err := read(g.Start(), v, text, rand.New(rand.NewPCG(1, 1))); err != nil {
			t.Errorf("ambiguous: %v", err)
		}
	}
	fine("most items", `{"type":"array","maxItems":1000000000,"items":{"type":"integer"}}`)
	fine("nested quantifiers", `{"type":"string","pattern":"^((a*)*b*)*$"}`)
	var list, props []string
	for i := range 100_000 {
		list = append(list, fmt.Sprintf(`"value%d"`, i))
	}
	if g := fine("enum of 100000", `{"enum":[`+strings.Join(list, ",")+`]}`); g != nil {
		if err := read(g.Start(), v, `"value98765"`, rand.New(rand.NewPCG(1, 1))); err != nil {
			t.Error(err)
		}
	}
	for i := range 2000 {
		props = append(props, fmt.Sprintf(`"p%d":{"type":"string","maxLength":%d}`, i, i+1))
	}
	if g := fine("2000 properties", `{"type":"object","properties":{`+strings.Join(props, ",")+`}}`); g != nil {
		if err := read(g.Start(), v, `{"p3": "abc", "p1999": ""}`, rand.New(rand.NewPCG(1, 1))); err != nil {
			t.Error(err)
		}
	}
}

func FuzzSchema(f *testing.F) {
	for _, x := range schemaCases {
		f.Add([]byte(x.schema), uint64(1), strings.Join(x.valid, "\n"))
	}
	v := smallVocab(jsonPieces...)
	c := NewCompiler(v)
	f.Fuzz(func(t *testing.T, schema []byte, seed uint64, text string) {
		if len(schema) > 2000 || bytes.Contains(schema, []byte("nullable")) || bytes.Contains(schema, []byte("$id")) {
			return
		}
		g, err := c.Compile(Schema(schema))
		if err != nil {
			return
		}
		random := rand.New(rand.NewPCG(seed, 1))
		made := generate(t, g, v, random, int(seed%30))
		accepted := len(text) < 200 && read(g.Start(), v, text, random) == nil
		check, err := validator(string(schema))
		if err != nil {
			return // what it takes for an invalid schema need not be one here
		}
		if err := validate(check, made); err != nil {
			t.Errorf("generated %s: %v", made, err)
		}
		if err := validate(check, text); accepted && err != nil {
			t.Errorf("accepted %s: %v", text, err)
		}
	})
}
