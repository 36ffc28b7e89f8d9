package main

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func synthetic(t *testing.T) *model {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "synthetic.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := &model{Name: "syn-thetic"}
	if err := json.Unmarshal(text, m); err != nil {
		t.Fatal(err)
	}
	m.Paginators.Pagination = map[string]json.RawMessage{"PutThing": nil}
	return m
}

// generateSynthetic generates the operations named, with overrides in the form of
// overrides.txt.
func generateSynthetic(t *testing.T, m *model, operations, overrides string) (map[string]string, error) {
	t.Helper()
	cfg, err := parseConfig(operations, overrides)
	if err != nil {
		return nil, err
	}
	files, err := generate(m, cfg.service("syn-thetic"))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, f := range files {
		out[f.name] = string(f.text)
	}
	return out, cfg.unused()
}

const twoOperations = "syn-thetic Chat\nsyn-thetic PutThing\n"

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := generateSynthetic(t, synthetic(t), twoOperations,
		"syn-thetic Trees max: a test\nsyn-thetic ChatRequest.modelId pattern: a test\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range files {
		golden := filepath.Join("testdata", "golden", name+".txt")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, string(want)); diff != "" {
			t.Errorf("%s: got -, want + (-update accepts):\n%s", name, diff)
		}
		if strings.Contains(got, "Prose") || strings.Contains(got, "OnlyNotSelected") {
			t.Errorf("%s holds what it must not", name)
		}
	}
}

// TestDeterministic generates twice from models read anew: maps have no order.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	first, err := generateSynthetic(t, synthetic(t), "syn-thetic *\n", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := generateSynthetic(t, synthetic(t), "syn-thetic *\n", "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(again, first); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	f := func(name, operations, overrides string, change func(*model), want string) {
		t.Helper()
		m := synthetic(t)
		if change != nil {
			change(m)
		}
		_, err := generateSynthetic(t, m, operations, overrides)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, want)
		}
	}
	f("unknown operation", "syn-thetic Nope\n", "", nil, "no operation Nope")
	f("bad operations", "synthetic\n", "", nil, "not a service and an operation")
	f("override without reason", twoOperations, "syn-thetic Trees max\n", nil, "and a reason")
	f("override of nothing", twoOperations, "syn-thetic Trees min: why\n", nil, "no min to remove")
	f("override of no shape", twoOperations, "syn-thetic Nope min: why\n", nil, "no min to remove")
	f("unknown constraint", twoOperations, "syn-thetic Trees color: why\n", nil, "unknown constraint")
	f("untranslated pattern", twoOperations, "", func(m *model) { m.Shapes["Text"].Pattern = `(?<=a)b` }, "no translation")
	f("unknown protocol", twoOperations, "", func(m *model) { m.Metadata.Protocols = []string{"morse"} }, "morse")
	f("unknown type", twoOperations, "", func(m *model) { m.Shapes["Flag"].Type = "rune" }, "unknown type")
	f("dangling reference", twoOperations, "", func(m *model) { delete(m.Shapes, "Flag") }, "shape Flag, which is not there")
	f("one name for two types", twoOperations, "", func(m *model) {
		m.Shapes["chatRequest"] = &shape{Type: "structure"}
		m.Operations["PutThing"].Output = &shapeRef{Shape: "chatRequest"}
	}, "in Go")
	f("one name for two members", twoOperations, "", func(m *model) {
		s := m.Shapes["Part"]
		s.Members = append(s.Members, &member{Name: "Index", Shape: "Text"})
	}, "two members Index")
}

func TestNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"modelId":               "ModelID",
		"ModelIds":              "ModelIDs",
		"kmsKeyArn":             "KMSKeyARN",
		"KMSKeyId":              "KMSKeyID",
		"s3Uri":                 "S3URI",
		"S3OutputDataConfig":    "S3OutputDataConfig",
		"guardrailArns":         "GuardrailARNs",
		"ARNs":                  "ARNs",
		"URLsList":              "URLsList",
		"JSONSchema":            "JSONSchema",
		"identifier":            "Identifier",
		"Ideas":                 "Ideas",
		"some_snake_uri":        "SomeSnakeURI",
		"topP":                  "TopP",
		"idleSessionTTLSeconds": "IdleSessionTTLSeconds",
		"3d":                    "X3d",
	} {
		if got := goName(in); got != want {
			t.Errorf("goName(%q): got %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"CREATE_FAILED":             "CreateFailed",
		"end_turn":                  "EndTurn",
		"InProgress":                "InProgress",
		"1.5":                       "1_5",
		"arn:aws:s3":                "ARNAWSS3",
		"application/json":          "ApplicationJSON",
		"US_SOCIAL_SECURITY_NUMBER": "UsSocialSecurityNumber",
		"BEDROCK_FOUNDATION_MODEL":  "BedrockFoundationModel",
		"provider_data_share":       "ProviderDataShare",
		"FIXED_SIZE":                "FixedSize",
	} {
		if got := enumName(in); got != want {
			t.Errorf("enumName(%q): got %s, want %s", in, got, want)
		}
	}
}

// TestTranslations checks each translation against values that tell it from others.
func TestTranslations(t *testing.T) {
	t.Parallel()
	for expr, tr := range translations {
		if compiles(expr) {
			t.Errorf("%s compiles: its translation is not needed", expr)
		}
		for _, e := range append(tr.all, tr.none...) {
			if !compiles(e) {
				t.Errorf("%s, the translation of %s, does not compile", e, expr)
			}
		}
	}
	tr, err := translate(`\u002F[\u0021-\u007F]*`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tr.all, []string{`\x{002F}[\x{0021}-\x{007F}]*`}); diff != "" {
		t.Error(diff)
	}
	if tr, err := translate(`[a-z]+`); err != nil || tr.all != nil {
		t.Errorf("a plain pattern: got %v, %v", tr, err)
	}
}

// TestNoDrift regenerates everything where the release is at hand, and compares.
func TestNoDrift(t *testing.T) {
	t.Parallel()
	cache := filepath.Join("..", "..", ".cache", "apigen")
	wheel := filepath.Join(cache, "botocore-"+releaseVersion+"-py3-none-any.whl")
	if _, err := os.Stat(wheel); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the release is not downloaded; make gen does that, and make drift checks")
	}
	if err := run(t.Context(), cache, filepath.Join("..", "..", "internal", "gen"), true); err != nil {
		t.Error(err)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := []file{{"a.go", []byte("a")}, {"b.go", []byte("b")}}
	if err := write(dir, files); err != nil {
		t.Fatal(err)
	}
	if errs := compare(dir, files); len(errs) > 0 {
		t.Errorf("right after writing: %v", errs)
	}
	files[0].text = []byte("new")
	if err := os.WriteFile(filepath.Join(dir, "c.go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	errs := errors.Join(compare(dir, files)...)
	for _, want := range []string{"a.go is stale", "c.go is not generated"} {
		if errs == nil || !strings.Contains(errs.Error(), want) {
			t.Errorf("got %v, want %q", errs, want)
		}
	}
	if errs := compare(filepath.Join(dir, "absent"), files); len(errs) != 2 {
		t.Errorf("of an absent folder: got %v", errs)
	}
}

func TestCheckSum(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if err := checkSum(name, sum); err != nil {
		t.Error(err)
	}
	if err := checkSum(name, releaseSHA256); err == nil {
		t.Error("another sum is accepted")
	}
}
