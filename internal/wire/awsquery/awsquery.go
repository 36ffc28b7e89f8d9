// Package awsquery is the awsQuery protocol on the server's side: inputs come as
// forms whose names are paths ("Filters.member.1.Name"), outputs and errors go out
// as XML.
package awsquery

import (
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// Bounds of a form.
const (
	maxPairs = 20_000
	maxDepth = 64
)

// Form is a request's parameters, ordered by name. Of a repeated one the first is
// kept.
type Form struct {
	pairs []pair
}

type pair struct{ key, value string }

// ParseForm reads a form or a query string.
func ParseForm(text string) (*Form, error) {
	if strings.Count(text, "&") >= maxPairs {
		return nil, &smithy.SerializationError{Message: fmt.Sprintf("The form has more than %d parameters", maxPairs)}
	}
	f := &Form{}
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(k)
		if err != nil {
			return nil, &smithy.SerializationError{Message: "A parameter of the form is malformed"}
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			return nil, (&smithy.SerializationError{Message: "The value of a parameter is malformed"}).In(key)
		}
		f.pairs = append(f.pairs, pair{key, value})
	}
	slices.SortStableFunc(f.pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	return f, nil
}

// Get returns the value of a parameter, and whether it is there.
func (f *Form) Get(key string) (string, bool) {
	i := f.search(key)
	if i < len(f.pairs) && f.pairs[i].key == key {
		return f.pairs[i].value, true
	}
	return "", false
}

// search returns the index of the first parameter that is not before key.
func (f *Form) search(key string) int {
	return sort.Search(len(f.pairs), func(i int) bool { return f.pairs[i].key >= key })
}

// has reports whether there is a parameter called key, or one below it.
func (f *Form) has(key string) bool {
	if _, ok := f.Get(key); ok {
		return true
	}
	i := f.search(key + ".")
	return i < len(f.pairs) && strings.HasPrefix(f.pairs[i].key, key+".")
}

// below returns the parameters whose names begin with prefix.
func (f *Form) below(prefix string) []pair {
	i := f.search(prefix)
	j := i
	for j < len(f.pairs) && strings.HasPrefix(f.pairs[j].key, prefix) {
		j++
	}
	return f.pairs[i:j]
}
