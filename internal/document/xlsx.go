package document

import (
	"bytes"
	"errors"
	"slices"

	"github.com/xuri/excelize/v2"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// parseXLSX reads a workbook sheet by sheet: the sheet's name as a heading, then its
// cells, as they are shown, as tables. Tables that stand apart by an empty row are
// tables of their own. Hidden sheets are left out.
func parseXLSX(b *builder, data []byte) error {
	// openPack checks the package's bounds; excelize has limits of its own.
	if _, err := openPack("xlsx", data); err != nil {
		return err
	}
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{
		UnzipSizeLimit: maxPackage, UnzipXMLSizeLimit: maxMember, ShortDatePattern: "yyyy-mm-dd",
	})
	if err != nil {
		return fault.Errorf(fault.Invalid, "The xlsx document could not be read: %v.", err)
	}
	defer f.Close() //nolint:errcheck // its temporary files only
	sheets := f.GetSheetList()
	b.doc.Pages = len(sheets)
	for i, name := range sheets {
		if visible, err := f.GetSheetVisible(name); err == nil && !visible {
			continue
		}
		if err := readSheet(b, f, name, i+1); err != nil {
			return err
		}
	}
	return nil
}

func readSheet(b *builder, f *excelize.File, name string, page int) error {
	rows, err := f.Rows(name)
	if err != nil {
		// A chart sheet has no rows.
		if _, ok := errors.AsType[excelize.ErrSheetNotExist](err); ok {
			return nil
		}
		return fault.Errorf(fault.Invalid, "The xlsx document could not be read: %v.", err)
	}
	defer rows.Close() //nolint:errcheck // read only
	b.add(Block{Kind: Heading, Level: 2, Text: name, Page: page, Section: name})
	merged, err := mergedCells(f, name)
	if err != nil {
		return err
	}
	var table [][]string
	cells := 0
	for n := 0; rows.Next() && b.err == nil; n++ {
		row, err := rows.Columns()
		if err != nil {
			return fault.Errorf(fault.Invalid, "The xlsx document could not be read: %v.", err)
		}
		row = merged.fill(row, n+1)
		if cells += len(row); cells > maxCells {
			return fault.Errorf(fault.Invalid, "The document's tables are too large: over %d cells.", maxCells)
		}
		if n%1024 == 0 && b.ctx.Err() != nil {
			return b.ctx.Err()
		}
		table = append(table, row)
	}
	for _, t := range islands(table, 0) {
		b.add(Block{Kind: Table, Rows: t, Header: len(t) > 1, Page: page, Section: name})
	}
	return nil
}

// islands cuts a sheet into the tables on it: at empty rows, and at an empty
// column when what stands left and right of it does not begin and end in the same
// rows, for then the column only sets apart the columns of one table.
func islands(rows [][]string, depth int) [][][]string {
	var out [][][]string
	for start := 0; start < len(rows); {
		if empty(rows[start]) {
			start++
			continue
		}
		end := start
		for end < len(rows) && !empty(rows[end]) {
			end++
		}
		part := trimTable(rows[start:end])
		start = end
		cut := gap(part)
		if cut < 0 || depth > 8 {
			out = append(out, part)
			continue
		}
		left, right := make([][]string, len(part)), make([][]string, len(part))
		for i, row := range part {
			left[i], right[i] = row[:cut], row[cut:]
		}
		out = append(append(out, islands(left, depth+1)...), islands(right, depth+1)...)
	}
	return out
}

// gap returns the first column at which two tables stand side by side, or -1.
func gap(rows [][]string) int {
	if len(rows) == 0 {
		return -1
	}
	width := len(rows[0])
	used := make([][2]int, width) // first and last used row of each column, from 1
	for i, row := range rows {
		for j, c := range row {
			if squeeze(c) == "" {
				continue
			}
			if used[j][0] == 0 {
				used[j][0] = i + 1
			}
			used[j][1] = i + 1
		}
	}
	for cut := 1; cut < width-1; cut++ {
		if used[cut][0] == 0 && extent(used[:cut]) != extent(used[cut:]) && extent(used[:cut])[0] > 0 {
			return cut
		}
	}
	return -1
}

func extent(used [][2]int) [2]int {
	var all [2]int
	for _, u := range used {
		if u[0] > 0 && (all[0] == 0 || u[0] < all[0]) {
			all[0] = u[0]
		}
		all[1] = max(all[1], u[1])
	}
	return all
}

// merge is a range of cells that show one value. Columns and rows count from 1.
type merge struct {
	left, top, right, bottom int
	value                    string
}

// merges are the ranges that start at each row.
type merges struct {
	starting map[int][]merge
	open     []merge
}

func mergedCells(f *excelize.File, sheet string) (*merges, error) {
	cells, err := f.GetMergeCells(sheet)
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "The xlsx document could not be read: %v.", err)
	}
	out := &merges{starting: map[int][]merge{}}
	for _, c := range cells {
		left, top, err1 := excelize.CellNameToCoordinates(c.GetStartAxis())
		right, bottom, err2 := excelize.CellNameToCoordinates(c.GetEndAxis())
		if err1 != nil || err2 != nil || right-left > maxMergedColumns {
			continue // a range over whole rows is decoration
		}
		out.starting[top] = append(out.starting[top], merge{left, top, right, bottom, c.GetCellValue()})
	}
	return out, nil
}

const maxMergedColumns = 200

// fill repeats the value of a merged range in each of its cells of one row, so
// that each row can be read by itself. Rows come in order.
func (m *merges) fill(row []string, n int) []string {
	m.open = append(m.open, m.starting[n]...)
	m.open = slices.DeleteFunc(m.open, func(r merge) bool { return r.bottom < n })
	for _, r := range m.open {
		if r.value == "" || (r.top < n && empty(row)) {
			continue
		}
		for len(row) < r.right {
			row = append(row, "")
		}
		for c := r.left - 1; c < r.right; c++ {
			row[c] = r.value
		}
	}
	return row
}

func empty(row []string) bool {
	for _, c := range row {
		if squeeze(c) != "" {
			return false
		}
	}
	return true
}
