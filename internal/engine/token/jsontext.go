package token

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// jsonText reads the long lists of a tokenizer.json: hundreds of thousands of words,
// for which package json takes three times as long and which it does not bound. The
// text is known to be valid JSON, so only what is where has to be checked.
type jsonText struct {
	text []byte
	at   int
}

// next returns the byte that begins what comes, 0 at the end.
func (j *jsonText) next() byte {
	for j.at < len(j.text) {
		switch c := j.text[j.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			j.at++
		default:
			return c
		}
	}
	return 0
}

// open goes into a list or an object.
func (j *jsonText) open(bracket byte) error {
	if c := j.next(); c != bracket {
		return fmt.Errorf("%q where %q should be", c, bracket)
	}
	j.at++
	return nil
}

// more reports whether the list or object goes on, and leaves it when it does not.
func (j *jsonText) more() bool {
	switch j.next() {
	case 0:
		return false
	case ']', '}':
		j.at++
		return false
	}
	return true
}

// str reads a string.
func (j *jsonText) str() (s string, err error) {
	if c := j.next(); c != '"' {
		return "", fmt.Errorf("%q where a string should be", c)
	}
	rest := j.text[j.at+1:]
	end := bytes.IndexByte(rest, '"')
	if end >= 0 && bytes.IndexByte(rest[:end], '\\') < 0 {
		j.at += end + 2
		return string(rest[:end]), nil
	}
	for end = 0; end < len(rest) && rest[end] != '"'; end++ {
		if rest[end] == '\\' {
			end++
		}
	}
	if end >= len(rest) {
		return "", fmt.Errorf("a string without end")
	}
	err = json.Unmarshal(j.text[j.at:j.at+end+2], &s)
	j.at += end + 2
	return s, err
}

// number reads a number.
func (j *jsonText) number() (float64, error) {
	j.next()
	end := j.at
	for end < len(j.text) && bytes.IndexByte([]byte(" \t\r\n,]}"), j.text[end]) < 0 {
		end++
	}
	x, err := strconv.ParseFloat(string(j.text[j.at:end]), 64)
	if err != nil {
		return 0, fmt.Errorf("%.20q where a number should be", j.text[j.at:end])
	}
	j.at = end
	return x, nil
}

// rawList is a list of maxParts members at most.
type rawList []json.RawMessage

// UnmarshalJSON ends with an error before a longer list takes memory.
func (l *rawList) UnmarshalJSON(text []byte) error { return boundedList(text, maxParts, l) }

// addedList is a list of maxVocabulary added tokens at most.
type addedList []addedToken

// UnmarshalJSON ends with an error before a longer list takes memory.
func (l *addedList) UnmarshalJSON(text []byte) error { return boundedList(text, maxVocabulary, l) }

func boundedList[L ~[]T, T any](text []byte, limit int, to *L) error {
	d := json.NewDecoder(bytes.NewReader(text))
	first, err := d.Token()
	switch {
	case err != nil:
		return err
	case first == nil:
		return nil // null
	case first != json.Delim('['):
		return fmt.Errorf("%.20q where a list should be", text)
	}
	for d.More() {
		var x T
		if err := d.Decode(&x); err != nil {
			return err
		}
		if *to = append(*to, x); len(*to) > limit {
			return fmt.Errorf("a list of more than %d members", limit)
		}
	}
	return nil
}
