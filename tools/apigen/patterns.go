package main

import (
	"fmt"
	"regexp"
)

// translation says in RE2's words what a pattern says: a value must match each of
// all and none of none, as a whole.
type translation struct {
	all, none []string
}

// translations are the patterns that RE2 cannot read and that need thought. Those
// that only write characters as \uXXXX are translated by rule.
var translations = map[string]translation{
	// Repeats over 1000 are split in two; the sum stays.
	`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.{1,1024}$`:                               {all: []string{`s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.{1,1000}.{0,24}`}},
	`s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.{1,1024}`:                                 {all: []string{`s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.{1,1000}.{0,24}`}},
	`arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]{9,16}:[0-9]{12}:model-package/[\S]{1,2048}`: {all: []string{`arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]{9,16}:[0-9]{12}:model-package/\S{1,1000}\S{0,1000}\S{0,48}`}},
	// A lookahead for "not blank".
	`^(?!\s*$).+`: {all: []string{`.+`}, none: []string{`\s*`}},
	// The lookahead refuses first characters that the next class refuses too.
	`(?![\-_+.])[a-z0-9][a-z0-9\-_\.]*`: {all: []string{`[a-z0-9][a-z0-9\-_\.]*`}},
	// \u10000 is meant as U+10000, beyond what four digits say.
	`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`: {all: []string{
		`[\x{0009}\x{000A}\x{000D}\x{0020}-\x{007E}\x{0085}\x{00A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+`,
	}},
}

var unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// translate returns how to match expr, the zero translation when Go reads it as it
// is. A pattern that Go cannot read and nobody thought about is an error.
func translate(expr string) (translation, error) {
	if compiles(expr) {
		return translation{}, nil
	}
	t, ok := translations[expr]
	if !ok {
		t.all = []string{unicodeEscape.ReplaceAllString(expr, `\x{$1}`)}
	}
	for _, e := range append(t.all, t.none...) {
		if !compiles(e) {
			return t, fmt.Errorf("pattern %s has no translation: add one to patterns.go", expr)
		}
	}
	return t, nil
}

func compiles(expr string) bool {
	_, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	return err == nil
}
