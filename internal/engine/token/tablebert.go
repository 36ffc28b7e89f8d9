package token

import (
	"fmt"
	"strings"
)

// WordPieceFromTable makes the tokenizer of a table whose model is "bert". In GGUF
// files, words begin with SentencePiece's mark, pieces inside a word have no prefix,
// and special tokens are in brackets. The files don't say whether a model knows
// capitals: it does when some word has one.
func WordPieceFromTable(t *Table) (*WordPiece, error) {
	if t.Model != "bert" {
		return nil, fmt.Errorf("the tokenizer model %.40q is not bert", t.Model)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	vocab := make(map[string]int32, len(t.Tokens))
	cased := false
	for i, s := range t.Tokens {
		word, begins := strings.CutPrefix(s, sentencePieceMark)
		switch {
		case begins:
			cased = cased || strings.ContainsFunc(word, func(r rune) bool { return 'A' <= r && r <= 'Z' })
		case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		default:
			word = "##" + s
		}
		if _, ok := vocab[word]; !ok {
			vocab[word] = int32(i)
		}
	}
	return fromWords(vocab, normalizer{clean: true, chinese: true, lower: !cased, strip: !cased})
}
