// Package archtest keeps the import graph pointing one way, names every module
// the project may require, and holds a few rules that no linter knows.
//
// It reads the source files itself instead of asking "go list": the test cache
// notices files that a test opens, but not files that a subprocess opens, and so
// would go on reporting an old success. Parsing also covers every build tag.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors lists the rooms of internal/ from bottom to top. A package may import its
// own room and rooms on lower floors. docs/ARCHITECTURE.md says what each is for.
var floors = [][]string{
	{"archtest", "arn", "fault", "sharedtest"},
	{"call", "client", "db", "document", "llm", "policy", "smithy", "text"},
	{"gen", "object"},
	{"auth", "catalog", "dialect", "engine", "iam", "job", "ledger", "wire"},
	{"backend"},
	{"gateway", "kb"},
	{"api"},
	{"server"},
}

// doors lists the few imports allowed between rooms of one floor.
var doors = map[string][]string{
	"dialect": {"wire"}, // converse: traces are the JSON of generated shapes
	"iam":     {"auth"}, // keys are what auth verifies against
}

// private names rooms that only the listed rooms may import, whatever their floor.
var private = map[string][]string{
	"engine": {"backend", "server"},
	"gen":    {"api", "backend", "dialect", "server", "wire"},
	"wire":   {"api", "backend", "dialect", "server"},
}

// modules lists the modules that go.mod may require directly, each with its reason.
var modules = map[string]string{
	"github.com/alecthomas/kong":                            "command line: verbs, flags and help as structs",
	"github.com/aws/aws-sdk-go-v2":                          "the signer: of our own client, and the second opinion in tests of verification",
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream": "event-stream frames, as the official clients decode them",
	"github.com/aws/aws-sdk-go-v2/service/s3":               "objects in any S3; only object/remote imports it",
	"github.com/aws/smithy-go":                              "tests read CBOR errors with the decoder of the official clients",
	"github.com/goccy/go-yaml":                              "configuration: strict decoding with line and column in errors",
	"github.com/google/go-cmp":                              "readable diffs in tests",
	"github.com/jackc/pgx/v5":                               "PostgreSQL",
	"github.com/prometheus/client_golang":                   "/metrics",
	"github.com/prometheus/client_model":                    "tests read metrics back in their own form",
	"github.com/santhosh-tekuri/jsonschema/v6":              "tests: a second opinion on whether a value fits its JSON Schema",
	"github.com/tetratelabs/wazero":                         "the sandbox that PDFium, a WebAssembly program, runs in",
	"github.com/xuri/excelize/v2":                           "xlsx documents",
	"go.uber.org/goleak":                                    "tests: no goroutine outlives its owner",
	"golang.org/x/net":                                      "HTML parsing; HTTP/2 in tests",
	"golang.org/x/sync":                                     "errgroup and singleflight",
	"golang.org/x/sys":                                      "CPU feature detection for the engine's kernels",
	"golang.org/x/text":                                     "Unicode normalisation and legacy encodings of documents",
	"modernc.org/sqlite":                                    "SQLite in pure Go",
}

const root = "../.."

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	internal := modulePath(t) + "/internal/"
	floor := map[string]int{}
	for i, rooms := range floors {
		for _, r := range rooms {
			floor[r] = i
		}
	}
	for _, f := range goFiles(t, root+"/internal") {
		rel := strings.TrimPrefix(f, root+"/internal/")
		from, _, _ := strings.Cut(rel, "/")
		if _, ok := floor[from]; !ok {
			t.Errorf("%s: room %q has no floor; give it one here and a line in docs/ARCHITECTURE.md", rel, from)
			continue
		}
		for _, imp := range imports(t, f) {
			path, ok := strings.CutPrefix(imp, internal)
			to, _, _ := strings.Cut(path, "/")
			if !ok || to == from || to == "sharedtest" {
				continue
			}
			if floor[to] >= floor[from] && !slices.Contains(doors[from], to) {
				t.Errorf("%s imports %s: %s may not know %s", rel, imp, from, to)
			}
			if only, ok := private[to]; ok && !slices.Contains(only, from) {
				t.Errorf("%s imports %s: only %v may", rel, imp, only)
			}
		}
	}
}

func TestModules(t *testing.T) {
	t.Parallel()
	required := map[string]bool{}
	for line := range strings.Lines(goMod(t)) {
		f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		isRequire := len(f) >= 2 && strings.Contains(f[0], ".") && strings.HasPrefix(f[1], "v")
		if !isRequire || strings.Contains(line, "// indirect") {
			continue
		}
		required[f[0]] = true
		if modules[f[0]] == "" {
			t.Errorf("module %s is not in the list; a new dependency needs a reason here", f[0])
		}
	}
	for m := range modules {
		if !required[m] {
			t.Errorf("module %s is in the list and no longer required; delete its line", m)
		}
	}
}

// TestPackagesAreDocumented wants one package comment in every package.
func TestPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, dir := range []string{root + "/internal", root + "/cmd", root + "/tools"} {
		for _, f := range goFiles(t, dir) {
			pkg := filepath.Dir(f)
			if strings.HasSuffix(f, "_test.go") && !strings.HasSuffix(pkg, "/archtest") {
				continue
			}
			file := parse(t, f, parser.PackageClauseOnly|parser.ParseComments)
			documented[pkg] = documented[pkg] || file.Doc != nil
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment: say what it is for", strings.TrimPrefix(pkg, root+"/"))
		}
	}
}

// TestNoInit covers what the linter's run on one platform does not see: files
// behind build tags.
func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t, root+"/internal") {
		for _, d := range parse(t, f, parser.SkipObjectResolution).Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function: build it in a constructor", strings.TrimPrefix(f, root+"/"))
			}
		}
	}
}

func goFiles(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			files = append(files, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parse(t *testing.T, file string, mode parser.Mode) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func imports(t *testing.T, file string) (paths []string) {
	t.Helper()
	for _, s := range parse(t, file, parser.ImportsOnly).Imports {
		p, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

func modulePath(t *testing.T) string {
	t.Helper()
	first, _, _ := strings.Cut(goMod(t), "\n")
	return strings.TrimSpace(strings.TrimPrefix(first, "module "))
}

func goMod(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
