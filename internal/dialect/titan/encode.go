package titan

import (
	"errors"
	"math"
	"strconv"
)

// Encode writes the answer to e: the vector in the types that were asked for, and the
// number of tokens of the text.
func (e *Embedding) Encode(vector []float32, tokens int) ([]byte, error) {
	for _, v := range vector {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, errors.New("the vector holds a number that JSON does not have")
		}
	}
	b := make([]byte, 0, len(vector)*30+100)
	b = append(b, '{')
	if e.Float {
		b = append(b, `"embedding":`...)
		b = appendFloats(b, vector)
		b = append(b, ',')
	}
	b = append(b, `"inputTextTokenCount":`...)
	b = strconv.AppendInt(b, int64(tokens), 10)
	if e.byType {
		b = append(b, `,"embeddingsByType":{`...)
		if e.Binary {
			b = append(b, `"binary":`...)
			b = appendSigns(b, vector)
		}
		if e.Float {
			if e.Binary {
				b = append(b, ',')
			}
			b = append(b, `"float":`...)
			b = appendFloats(b, vector)
		}
		b = append(b, '}')
	}
	return append(b, '}'), nil
}

func appendFloats(b []byte, vector []float32) []byte {
	b = append(b, '[')
	for i, v := range vector {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	return append(b, ']')
}

// appendSigns writes 1 for each number above zero, else 0.
func appendSigns(b []byte, vector []float32) []byte {
	b = append(b, '[')
	for i, v := range vector {
		if i > 0 {
			b = append(b, ',')
		}
		sign := byte('0')
		if v > 0 {
			sign = '1'
		}
		b = append(b, sign)
	}
	return append(b, ']')
}
