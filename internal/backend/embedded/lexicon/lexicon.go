// Package lexicon is the little that the reader knows beyond a request: the words
// of its users' field. It maps what people say of AWS resources, CloudWatch metrics
// and regions to the names that the APIs take.
//
// The data is the file aws.txt, read at first use. It holds names and formats only,
// no facts to answer from.
package lexicon

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/outcrop-ai/outcrop/internal/text"
)

//go:embed aws.txt
var data string

// Metric is a CloudWatch metric.
type Metric struct {
	Namespace, Name string
	phrases         [][]string
}

type service struct {
	namespace string
	phrases   [][]string
	prefixes  []string
}

type named struct {
	code    string
	phrases [][]string
}

type table struct {
	services  []service
	metrics   []Metric
	resources []named
	regions   []named
	states    map[string]string
}

var load = sync.OnceValue(func() *table {
	t := &table{states: map[string]string{}}
	for line := range strings.Lines(data) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "|")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		switch f[0] {
		case "service":
			t.services = append(t.services, service{f[1], phrases(f[2]), list(f[3])})
		case "metric":
			t.metrics = append(t.metrics, Metric{f[1], f[2], phrases(f[3])})
		case "resource":
			t.resources = append(t.resources, named{f[1], phrases(f[2])})
		case "state":
			t.states[f[2]] = f[1]
		case "region":
			t.regions = append(t.regions, named{f[1], phrases(f[2])})
		}
	}
	return t
})

func list(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// phrases reads phrases as lists of stems.
func phrases(s string) [][]string {
	var out [][]string
	for _, p := range list(s) {
		out = append(out, stems(p))
	}
	return out
}

func stems(s string) []string {
	words := text.Words(s)
	out := make([]string, 0, len(words))
	for _, w := range words {
		if !text.Stopword(w.Norm) || len(words) == 1 {
			out = append(out, text.Stem(w.Norm))
		}
	}
	return out
}

// Asked is a text looked up in the lexicon.
type Asked struct {
	stems []string
	raw   string
}

// Look prepares a text.
func Look(s string) Asked { return Asked{stems: stems(s), raw: strings.ToLower(s)} }

// Metric returns the CloudWatch metric that a text asks about: of the service that
// an ID or a word in it names, the metric whose phrase is the longest. Without a
// service, a metric that only one service has, or EC2's.
func (a Asked) Metric() (Metric, bool) {
	t := load()
	for _, namespace := range a.services(t) {
		if m, ok := a.metric(t, namespace); ok {
			return m, true
		}
	}
	return a.metric(t, "")
}

// metric finds the metric among those of a service, or of all when it is "".
func (a Asked) metric(t *table, namespace string) (Metric, bool) {
	var best Metric
	length, ties := 0.0, 0
	for _, m := range t.metrics {
		if namespace != "" && m.Namespace != namespace {
			continue
		}
		n := a.fit(m.phrases)
		if strings.Contains(a.raw, strings.ToLower(m.Name)) {
			n = 10
		}
		switch {
		case n > length:
			best, length, ties = m, n, 0
		case n == length && n > 0 && m.Namespace != best.Namespace:
			ties++
		}
	}
	if length == 0 || namespace == "" && ties > 0 && best.Namespace != "AWS/EC2" {
		return Metric{}, false
	}
	return best, true
}

// services returns the namespaces of the services that the text names, the one it
// says most of first.
func (a Asked) services(t *table) []string {
	type found struct {
		namespace string
		score     int
	}
	var list []found
	for _, s := range t.services {
		n := 0
		for _, p := range s.phrases {
			if holds(a.stems, p) {
				n += len(p)
			}
		}
		for _, p := range s.prefixes {
			if a.hasID(p) {
				n += 3
			}
		}
		if strings.Contains(a.raw, strings.ToLower(s.namespace)) {
			n += 10
		}
		if n > 0 {
			list = append(list, found{s.namespace, n})
		}
	}
	slices.SortStableFunc(list, func(x, y found) int { return cmp.Compare(y.score, x.score) })
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.namespace
	}
	return out
}

// hasID reports whether a word of the text starts with the prefix and goes on.
func (a Asked) hasID(prefix string) bool {
	for rest, at := a.raw, 0; ; at += len(prefix) {
		i := strings.Index(rest[at:], prefix)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(prefix)
		startOK := at == 0 || !isWord(rest[at-1])
		if startOK && end < len(rest) && (isWord(rest[end]) || rest[end] == ':') {
			return true
		}
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// longest returns the length in words of the longest phrase that the text holds.
func (a Asked) longest(phrases [][]string) int {
	n := 0
	for _, p := range phrases {
		if len(p) > n && holds(a.stems, p) {
			n = len(p)
		}
	}
	return n
}

// fit is the length in words of the longest phrase that the text holds; a phrase
// whose words stand apart counts a little less.
func (a Asked) fit(phrases [][]string) float64 {
	n := float64(a.longest(phrases))
	for _, p := range phrases {
		if apart := float64(len(p)) - 0.5; apart > n && len(p) > 1 && a.scattered(p) {
			n = apart
		}
	}
	return n
}

func (a Asked) scattered(phrase []string) bool {
	for _, w := range phrase {
		if !slices.Contains(a.stems, w) {
			return false
		}
	}
	return true
}

func holds(words, phrase []string) bool {
	for i := 0; i+len(phrase) <= len(words); i++ {
		same := true
		for j := range phrase {
			if words[i+j] != phrase[j] {
				same = false
				break
			}
		}
		if same {
			return true
		}
	}
	return false
}

// Regions returns the codes of the AWS regions that a text names by their codes, in
// its order, or else of those that it names by a name.
func (a Asked) Regions() []string {
	t := load()
	var codes []string
	at := map[string]int{}
	for _, r := range t.regions {
		if i := strings.Index(a.raw, r.code); i >= 0 {
			at[r.code] = i
			codes = append(codes, r.code)
		}
	}
	if len(codes) > 0 {
		slices.SortFunc(codes, func(x, y string) int { return cmp.Compare(at[x], at[y]) })
		return codes
	}
	length := 0
	for _, r := range t.regions {
		switch n := a.longest(r.phrases); {
		case n > length:
			codes, length = []string{r.code}, n
		case n == length && n > 0:
			codes = append(codes, r.code)
		}
	}
	return codes
}

// State returns the postal code of a state of the United States, given its name or
// code; "" for anything else.
func State(name string) string {
	low := strings.ToLower(name)
	if code := load().states[low]; code != "" {
		return code
	}
	for _, code := range load().states {
		if code == name {
			return code
		}
	}
	return ""
}

// IsRegion reports whether s is the code of a region.
func IsRegion(s string) bool {
	for _, r := range load().regions {
		if r.code == s {
			return true
		}
	}
	return false
}

// Prefixes returns the prefixes of the IDs of what a text names: "i-" for "instance".
func (a Asked) Prefixes() []string {
	var out []string
	best := 0
	for _, r := range load().resources {
		n := a.longest(r.phrases)
		switch {
		case n > best:
			out, best = []string{r.code}, n
		case n == best && n > 0:
			out = append(out, r.code)
		}
	}
	return out
}

// Resource returns the prefix of an AWS resource ID, "" when id is none.
func Resource(id string) string {
	for _, r := range load().resources {
		if rest, ok := strings.CutPrefix(id, r.code); ok && (r.code == "arn:" || hex(rest)) {
			return r.code
		}
	}
	return ""
}

// hex reports whether s can be the number of a resource ID. Made-up ones in
// examples hold other letters too.
func hex(s string) bool {
	if len(s) < 3 {
		return false
	}
	digit := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'z':
		default:
			return false
		}
	}
	return digit
}
