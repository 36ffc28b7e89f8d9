package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/client"
)

// formats maps file extensions to Converse's document formats.
var formats = map[string]string{
	".txt": "txt", ".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".csv": "csv",
	".pdf": "pdf", ".doc": "doc", ".docx": "docx", ".xls": "xls", ".xlsx": "xlsx",
}

// Document names may hold letters, digits, single spaces, hyphens, parentheses and
// square brackets.
var notInName = regexp.MustCompile(`[^A-Za-z0-9\-()\[\]]+`)

// documentBlock reads a file into a document block with citations enabled.
func documentBlock(path string) (*client.Block, error) {
	ext := strings.ToLower(filepath.Ext(path))
	format, ok := formats[ext]
	if !ok {
		return nil, fmt.Errorf("%s: Converse has no document format for %q; it knows txt, md, html, csv, pdf, doc, docx, xls and xlsx", path, ext)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	data, err := readBounded(io.Reader(f), path)
	if err != nil {
		return nil, err
	}
	name := strings.TrimSpace(notInName.ReplaceAllString(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), " "))
	return &client.Block{Document: &client.Document{
		Format: format, Name: name, Source: client.Source{Bytes: data}, Citations: &client.CitationsConfig{Enabled: true},
	}}, nil
}

// printAnswer writes an answer's text, tool calls and citations.
func printAnswer(w io.Writer, resp *client.ConverseResponse) {
	var cited []client.Citation
	for _, b := range resp.Output.Message.Content {
		switch {
		case b.Text != nil:
			_, _ = fmt.Fprint(w, *b.Text)
		case b.ToolUse != nil:
			_, _ = fmt.Fprintf(w, "[%s] %s", b.ToolUse.Name, b.ToolUse.Input)
		case b.Citations != nil:
			for _, c := range b.Citations.Content {
				_, _ = fmt.Fprint(w, c.Text)
			}
			for _, c := range b.Citations.Citations {
				cited = append(cited, c)
				_, _ = fmt.Fprintf(w, " [%d]", len(cited))
			}
		}
	}
	_, _ = fmt.Fprintln(w)
	printCitations(w, cited)
}

// printCitations lists what the numbers in an answer stand for.
func printCitations(w io.Writer, cited []client.Citation) {
	for i, c := range cited {
		_, _ = fmt.Fprintf(w, "  [%d] %s %s\n", i+1, c.Title, c.Location.String())
	}
}
