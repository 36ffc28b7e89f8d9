package token

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// maxLlama2CToken bounds a token of tokenizer.bin.
const maxLlama2CToken = 1 << 10

// ReadLlama2C reads the tokenizer.bin of llama2.c, which holds a vocabulary of that
// size: SentencePiece's, with the unknown token, BOS and EOS, then a token for each
// byte, then the others with their scores.
func ReadLlama2C(path string, vocab int) (*Codec, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	t, err := parseLlama2C(data, vocab)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.bin: %w", err)
	}
	return FromTable(t)
}

func parseLlama2C(data []byte, vocab int) (*Table, error) {
	const special, bytesEnd, header = 3, 3 + 256, 8
	if vocab < bytesEnd || vocab > maxVocabulary {
		return nil, fmt.Errorf("a vocabulary of %d tokens", vocab)
	}
	if len(data) < 4 || (len(data)-4)/header < vocab {
		return nil, errors.New("it is too short")
	}
	data = data[4:] // the length of the longest token
	t := &Table{Model: "llama", BOS: 1, EOS: 2, Unknown: 0, Padding: noToken, AddBOS: true, AddSpacePrefix: true}
	for i := range vocab {
		if len(data) < header {
			return nil, errors.New("it is too short")
		}
		score := math.Float32frombits(binary.LittleEndian.Uint32(data))
		n := int(binary.LittleEndian.Uint32(data[4:]))
		if n > maxLlama2CToken || n > len(data)-header {
			return nil, fmt.Errorf("token %d has %d bytes", i, n)
		}
		s := string(data[header : header+n])
		data = data[header+n:]
		k := kindNormal
		switch {
		case i == 0:
			k = kindUnknown
		case i < special:
			k, s = kindControl, strings.TrimSpace(s) // "\n<s>\n", as it is printed
		case i < bytesEnd:
			k = kindByte
		default:
			s = strings.ReplaceAll(s, " ", sentencePieceMark)
		}
		t.Tokens, t.Scores, t.Types = append(t.Tokens, s), append(t.Scores, score), append(t.Types, int32(k))
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("%d bytes are left behind %d tokens", len(data), vocab)
	}
	return t, nil
}
