package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/outcrop-ai/outcrop/internal/api"
)

// coverageCmd prints what works.
type coverageCmd struct {
	Built    bool `help:"Only operations that are done or partial."`
	Markdown bool `help:"As the README's table: a line per service, built operations by name."`
	JSON     bool `help:"As JSON." name:"json"`
}

// Help shows examples.
func (coverageCmd) Help() string {
	return `Operations that are not built answer a modelled error that names them.

Examples:
  outcrop coverage --built
  outcrop coverage --json | jq '.[] | select(.Status == "partial")'`
}

// Run prints the table.
func (c *coverageCmd) Run(s streams) error {
	var table []api.Coverage
	for _, line := range api.Table(api.Models()) {
		if !c.Built || line.Status != api.NotBuilt {
			table = append(table, line)
		}
	}
	switch {
	case c.JSON:
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		return enc.Encode(table)
	case c.Markdown:
		return coverageMarkdown(s.out, table)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	count := map[api.Status]int{}
	for _, line := range table {
		count[line.Status]++
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", line.Service, line.Operation, line.Status, line.Missing)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "\n%d done, %d partial, %d not built\n", count[api.Done], count[api.Partial], count[api.NotBuilt])
	return err
}

// coverageMarkdown prints one row per service.
func coverageMarkdown(w io.Writer, table []api.Coverage) error {
	type row struct {
		total, built int
		text         string
	}
	var order []string
	rows := map[string]*row{}
	for _, line := range table {
		r := rows[line.Service]
		if r == nil {
			r = &row{}
			rows[line.Service] = r
			order = append(order, line.Service)
		}
		r.total++
		if line.Status == api.NotBuilt {
			continue
		}
		r.built++
		if r.text != "" {
			r.text += "; "
		}
		r.text += line.Operation
		if line.Missing != "" {
			r.text += " (without " + line.Missing + ")"
		}
	}
	_, _ = fmt.Fprintln(w, "| service | operations | built | which |\n|---|---|---|---|")
	for _, name := range order {
		r := rows[name]
		if r.text == "" {
			r.text = "none yet: each answers an error that names it"
		}
		if _, err := fmt.Fprintf(w, "| %s | %d | %d | %s |\n", name, r.total, r.built, r.text); err != nil {
			return err
		}
	}
	return nil
}
