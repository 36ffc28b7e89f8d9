// Package scalar reads and writes the simple values of AWS protocols as text:
// integers, floats, booleans and timestamps, as they stand in labels, query
// strings, headers, forms, XML and JSON.
//
// It is strict as AWS is: no plus sign, no hexadecimal, no UTC offset. It knows
// nothing of quoting; that is each protocol's.
package scalar

import (
	"errors"
	"math"
	"strconv"

	"github.com/outcrop-ai/outcrop/internal/smithy"
)

// The reasons why a text is not a value. Callers say where it stood.
var (
	ErrSyntax = errors.New("malformed value")
	ErrRange  = errors.New("value out of range")
)

// bits returns the size of an integer type.
func bits(t smithy.Type) int {
	switch t {
	case smithy.Byte:
		return 8
	case smithy.Short:
		return 16
	case smithy.Integer, smithy.IntEnum:
		return 32
	default:
		return 64
	}
}

// ParseInt reads an integer of type t.
func ParseInt(text string, t smithy.Type) (int64, error) {
	if text == "" || text[0] == '+' {
		return 0, ErrSyntax
	}
	n, err := strconv.ParseInt(text, 10, bits(t))
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, ErrRange
	case err != nil:
		return 0, ErrSyntax
	}
	return n, nil
}

// ParseBool reads "true" or "false", and nothing else.
func ParseBool(text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, ErrSyntax
}

// ParseFloat reads a decimal number, NaN, Infinity or -Infinity.
func ParseFloat(text string) (float64, error) {
	if f, ok := Special(text); ok {
		return f, nil
	}
	if !Number(text) {
		return 0, ErrSyntax
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, ErrRange
	}
	return f, nil
}

// Special returns the float that NaN, Infinity or -Infinity names.
func Special(text string) (float64, bool) {
	switch text {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

// Number reports whether text is a number as JSON writes it.
func Number[T ~string | ~[]byte](text T) bool { return NumberLen(text) == len(text) && len(text) > 0 }

// NumberLen returns the length of the JSON number that text begins with, 0 when it
// begins with none.
func NumberLen[T ~string | ~[]byte](text T) int {
	i := 0
	if i < len(text) && text[i] == '-' {
		i++
	}
	switch {
	case i < len(text) && text[i] == '0':
		i++
	case i < len(text) && '1' <= text[i] && text[i] <= '9':
		i = digits(text, i)
	default:
		return 0
	}
	if i < len(text) && text[i] == '.' {
		end := digits(text, i+1)
		if end == i+1 {
			return 0
		}
		i = end
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		from := i + 1
		if from < len(text) && (text[from] == '+' || text[from] == '-') {
			from++
		}
		end := digits(text, from)
		if end == from {
			return 0
		}
		i = end
	}
	return i
}

// digits returns the index after the digits that start at i.
func digits[T ~string | ~[]byte](text T, i int) int {
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	return i
}

// AppendFloat appends f as a JSON number, or as the name of the special values,
// without quotes.
func AppendFloat(b []byte, f float64, t smithy.Type) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	size := 64
	if t == smithy.Float {
		size = 32
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, size)
}
