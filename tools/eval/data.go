package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// maxLine bounds a line of a data file.
const maxLine = 8 << 20

// readLines reads a file of JSON lines.
func readLines[T any](path string) ([]T, error) {
	f, err := os.Open(path) //nolint:gosec // the path that the user gave
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, maxLine)
	var rows []T
	for sc.Scan() {
		var row T
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", path, len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	return rows, sc.Err()
}

// note writes to the file of failures, when there is one.
func note(f *os.File, format string, args ...any) {
	if f != nil {
		_, _ = fmt.Fprintf(f, format, args...)
	}
}
