package route_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outcrop-ai/outcrop/internal/wire/route"
)

var patterns = []string{
	"/", "/a", "/a/", "/a/{x}", "/a/{x}/", "/a/{x}/b", "/a/b/c", "/a/{x}/{y}", "/a/{x}/{y}/d", "/a/b/{y}/e",
	"/g/{rest+}", "/g/{x}/mid/{rest+}", "/h/{rest+}/end", "/q", "/q?c=1", "/q?c=1&d", "/model/{id}/converse",
}

func router(tb testing.TB) *route.Router[string] {
	tb.Helper()
	r := route.New[string]()
	for _, p := range patterns {
		if err := r.Add("GET", p, p); err != nil {
			tb.Fatal(err)
		}
	}
	return r
}

func TestMatch(t *testing.T) {
	t.Parallel()
	r := router(t)
	for target, want := range map[string]string{
		"/":                          "/",
		"/a":                         "/a",
		"/a/":                        "/a/",
		"/a/1":                       "/a/{x} 1",
		"/a/1/":                      "/a/{x}/ 1",
		"/a/1/b":                     "/a/{x}/b 1",
		"/a/b/c":                     "/a/b/c",
		"/a/b/d":                     "/a/{x}/{y} b d",
		"/a/b/d/d":                   "/a/{x}/{y}/d b d", // back from the literal b
		"/a/b/d/e":                   "/a/b/{y}/e d",
		"/a//b":                      "/a/{x}/b ",
		"/a/%2F%3a:0/b":              "/a/{x}/b %2F%3a:0",
		"/g/1":                       "/g/{rest+} 1",
		"/g/1/2/3":                   "/g/{rest+} 1/2/3",
		"/g/1/mid/2/3":               "/g/{x}/mid/{rest+} 1 2/3",
		"/h/1/end/2/end":             "/h/{rest+}/end 1/end/2",
		"/q":                         "/q",
		"/q?c=2":                     "/q",
		"/q?x=1&c=1":                 "/q?c=1",
		"/q?c=1&d=anything":          "/q?c=1&d",
		"/model/a.b-v1%3A0/converse": "/model/{id}/converse a.b-v1%3A0",
		"/g/":                        "",
		"/h/end":                     "",
		"/model/x/converse/":         "",
		"/nothing":                   "",
		"":                           "",
		"*":                          "",
	} {
		path, query, _ := strings.Cut(target, "?")
		m, ok := r.Match("GET", path, query)
		got := ""
		if ok {
			n := len(route.Labels(m.Value))
			got = strings.Join(append([]string{m.Value}, m.Labels[:n]...), " ")
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
	if _, ok := r.Match("POST", "/a", ""); ok {
		t.Error("another method matched")
	}
	if got := r.Methods("/a", ""); !slices.Equal(got, []string{"GET"}) {
		t.Errorf("methods: %v", got)
	}
}

func TestAddErrors(t *testing.T) {
	t.Parallel()
	for name, add := range map[string][]string{
		"twice":           {"/a/{x}", "/a/{y}"},
		"twice, constant": {"/a?x=1", "/a?x=1"},
		"no slash":        {"a"},
		"labels":          {strings.Repeat("/{x}", route.MaxLabels+1)},
	} {
		r := route.New[int]()
		var err error
		for _, p := range add {
			err = r.Add("GET", p, 0)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestHostilePaths matches paths that are made to backtrack.
func TestHostilePaths(t *testing.T) {
	t.Parallel()
	r := route.New[int]()
	for _, p := range []string{"/{a+}/x/{b+}/y/{c+}/z", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/x", "/x/{b+}"} {
		if err := r.Add("GET", p, 0); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	for _, path := range []string{strings.Repeat("/x", 60), strings.Repeat("/x/y", 30), strings.Repeat("/", 60), strings.Repeat("/x", 1<<16)} {
		r.Match("GET", path, "")
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("took %v", d)
	}
}

// FuzzMatch compares with patterns as regular expressions: a path matches if any of
// them does.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{"/a/b/c", "/g/1/mid/2", "/a//", "/h/x/end", "//", "/a/%2f/b"} {
		f.Add(s)
	}
	r := route.New[string]()
	var exprs []*regexp.Regexp
	for _, p := range patterns {
		if strings.Contains(p, "?") {
			continue
		}
		if err := r.Add("GET", p, p); err != nil {
			f.Fatal(err)
		}
		// A label is a segment, empty only where more follows; a greedy one is more.
		e := regexp.MustCompile(`\{\w+\+\}`).ReplaceAllString(p, "(?s:.+)")
		e = regexp.MustCompile(`\{\w+\}/`).ReplaceAllString(e, "[^/]*/")
		e = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(e, "[^/]+")
		exprs = append(exprs, regexp.MustCompile("^(?:"+e+")$"))
	}
	f.Fuzz(func(t *testing.T, path string) {
		if strings.Count(path, "/") > 60 {
			return
		}
		want := slices.ContainsFunc(exprs, func(e *regexp.Regexp) bool { return e.MatchString(path) })
		m, ok := r.Match("GET", path, "")
		if ok != want {
			t.Errorf("%q: matched %t (%s), want %t", path, ok, m.Value, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	r := router(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := r.Match("GET", "/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse", ""); !ok {
			b.Fatal("no match")
		}
	}
}
