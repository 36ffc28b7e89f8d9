package restjson

import (
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/smithy"
	"github.com/outcrop-ai/outcrop/internal/wire/scalar"
)

// textReader is a smithy.Reader of one value that stands as text: in a label, a
// query string, headers or a whole body.
type textReader struct {
	where  string // "label", "header" …, for messages
	member *smithy.Member
	format smithy.TimestampFormat // the default of the place

	text   string
	values []string // all values of a query parameter or header, for lists
	// pairs yields the keys and values of a map; keys of several values come once
	// for each.
	pairs iter.Seq2[string, string]
}

func (t *textReader) fail(err error, what string) error {
	msg := "Malformed " + what
	if errors.Is(err, scalar.ErrRange) {
		msg = "Value out of range: " + what
	}
	return &smithy.SerializationError{Message: fmt.Sprintf("%s in %s %q", msg, t.where, t.member.Name)}
}

// Struct implements smithy.Reader.
func (t *textReader) Struct(smithy.Struct) error { return t.fail(nil, "structure") }

// List implements smithy.Reader.
func (t *textReader) List(s *smithy.Schema, elem func(null bool) error) error {
	values := t.values
	if t.where == inHeader {
		dates := s.Members[0].Schema.Type == smithy.Timestamp &&
			scalar.Format(&s.Members[0], s.Members[0].Schema, t.format) == smithy.HTTPDate
		var err error
		if values, err = splitHeader(values, dates); err != nil {
			return t.fail(err, "list")
		}
	}
	for _, v := range values {
		t.text = v
		if err := elem(false); err != nil {
			return err
		}
	}
	return nil
}

// Map implements smithy.Reader.
func (t *textReader) Map(s *smithy.Schema, entry func(key string, null bool) error) error {
	if t.pairs == nil {
		return t.fail(nil, "map")
	}
	var keys []string
	byKey := map[string][]string{}
	for k, v := range t.pairs {
		if _, ok := byKey[k]; !ok {
			keys = append(keys, k)
		}
		byKey[k] = append(byKey[k], v)
	}
	for _, k := range keys {
		t.text, t.values = byKey[k][0], byKey[k]
		if err := entry(k, false); err != nil {
			return err
		}
	}
	return nil
}

// String implements smithy.Reader. In a header, a string with a media type is
// base64.
func (t *textReader) String(*smithy.Schema) (string, error) {
	text := t.text
	if t.where == inHeader && t.member.MediaType != "" {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", t.fail(err, "base64")
		}
		text = string(raw)
	}
	if !utf8.ValidString(text) {
		return "", t.fail(nil, "UTF-8")
	}
	return text, nil
}

// Bool implements smithy.Reader.
func (t *textReader) Bool(*smithy.Schema) (bool, error) {
	v, err := scalar.ParseBool(t.text)
	if err != nil {
		return false, t.fail(err, "boolean")
	}
	return v, nil
}

// Int implements smithy.Reader.
func (t *textReader) Int(s *smithy.Schema) (int64, error) {
	v, err := scalar.ParseInt(t.text, s.Type)
	if err != nil {
		return 0, t.fail(err, "integer")
	}
	return v, nil
}

// Float implements smithy.Reader.
func (t *textReader) Float(*smithy.Schema) (float64, error) {
	v, err := scalar.ParseFloat(t.text)
	if err != nil {
		return 0, t.fail(err, "number")
	}
	return v, nil
}

// Bytes implements smithy.Reader.
func (t *textReader) Bytes(*smithy.Schema) ([]byte, error) {
	v, err := base64.StdEncoding.DecodeString(t.text)
	if err != nil {
		return nil, t.fail(err, "base64")
	}
	return v, nil
}

// Time implements smithy.Reader.
func (t *textReader) Time(s *smithy.Schema) (time.Time, error) {
	v, err := scalar.ParseTime(t.text, scalar.Format(t.member, s, t.format))
	if err != nil {
		return time.Time{}, t.fail(err, "timestamp")
	}
	return v, nil
}

// JSON implements smithy.Reader.
func (t *textReader) JSON(*smithy.Schema) ([]byte, error) { return nil, t.fail(nil, "document") }

var errQuote = errors.New("unbalanced quote")

// splitHeader splits header lines at their commas, but for those inside quotes and,
// where the elements are dates, the one after the day's name.
func splitHeader(lines []string, dates bool) ([]string, error) {
	var out []string
	for _, line := range lines {
		for rest, more := line, true; more; {
			var elem string
			var err error
			if elem, rest, more, err = nextElement(rest, dates); err != nil {
				return nil, err
			}
			if elem != "" || more || len(out) > 0 {
				out = append(out, elem)
			}
		}
	}
	return out, nil
}

func nextElement(s string, dates bool) (elem, rest string, more bool, err error) {
	s = strings.TrimLeft(s, " \t")
	if strings.HasPrefix(s, `"`) {
		return nextQuoted(s)
	}
	end := strings.IndexByte(s, ',')
	if end >= 0 && dates {
		if second := strings.IndexByte(s[end+1:], ','); second >= 0 {
			end += 1 + second
		} else {
			end = -1
		}
	}
	if end < 0 {
		return strings.TrimRight(s, " \t"), "", false, nil
	}
	return strings.TrimRight(s[:end], " \t"), s[end+1:], true, nil
}

// nextQuoted reads a quoted element; a backslash escapes what follows it.
func nextQuoted(s string) (elem, rest string, more bool, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			if i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			rest := strings.TrimLeft(s[i+1:], " \t")
			if rest == "" {
				return b.String(), "", false, nil
			}
			if rest[0] != ',' {
				return "", "", false, errQuote
			}
			return b.String(), rest[1:], true, nil
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false, errQuote
}

// queryPairs yields the parameters of a query string, in order. A parameter that is
// not well escaped ends it and sets *failed.
func queryPairs(raw string, failed *error) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for part := range strings.SplitSeq(raw, "&") {
			if part == "" {
				continue
			}
			k, v, _ := strings.Cut(part, "=")
			key, err := url.QueryUnescape(k)
			value, err2 := url.QueryUnescape(v)
			if err = errors.Join(err, err2); err != nil {
				*failed = err
				return
			}
			if !yield(key, value) {
				return
			}
		}
	}
}
