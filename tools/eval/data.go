package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// unheld drops the rows whose text is part of the half that is kept for acceptance,
// so that no tuning ever sees them. The folder lists their hashes: 16 digits of the
// SHA-256 of the text in lower case with its white space collapsed.
func unheld[T any](dir string, rows []T, text func(T) string) ([]T, error) {
	list, err := os.ReadFile(filepath.Join(dir, "held-hashes.txt")) //nolint:gosec // the folder that the user gave
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for hash := range strings.FieldsSeq(string(list)) {
		held[hash] = true
	}
	return slices.DeleteFunc(rows, func(row T) bool {
		sum := sha256.Sum256([]byte(strings.Join(strings.Fields(strings.ToLower(text(row))), " ")))
		return held[hex.EncodeToString(sum[:8])]
	}), nil
}

// note writes to the file of failures, when there is one.
func note(f *os.File, format string, args ...any) {
	if f != nil {
		_, _ = fmt.Fprintf(f, format, args...)
	}
}
