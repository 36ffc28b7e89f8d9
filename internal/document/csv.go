package document

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// parseCSV reads a table. A zero comma means that the separator is told from the
// first line: comma, semicolon, tab or bar, whichever is there most.
func parseCSV(b *builder, s string, comma rune) error {
	if comma == 0 {
		comma = separator(s)
	}
	r := csv.NewReader(strings.NewReader(s))
	r.Comma = comma
	r.LazyQuotes = true
	r.FieldsPerRecord = -1
	var rows [][]string
	cells := 0
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fault.Errorf(fault.Invalid, "The csv document could not be read: %v.", err)
		}
		cells += len(row)
		if cells > maxCells {
			return fault.Errorf(fault.Invalid, "The document's tables are too large: over %d cells.", maxCells)
		}
		if len(rows)%1024 == 0 && b.ctx.Err() != nil {
			return b.ctx.Err()
		}
		rows = append(rows, row)
	}
	b.add(Block{Kind: Table, Rows: rows, Header: true})
	return nil
}

func separator(s string) rune {
	line, _, _ := strings.Cut(s, "\n")
	best, count := ',', strings.Count(line, ",")
	for _, c := range ";\t|" {
		if n := strings.Count(line, string(c)); n > count {
			best, count = c, n
		}
	}
	return best
}
