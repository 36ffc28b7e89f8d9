package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/outcrop-ai/outcrop/internal/ledger"
)

// ledgerCmd shows recorded invocations.
type ledgerCmd struct {
	location
	Limit  int           `help:"How many records, the newest." default:"20" short:"n"`
	Since  time.Duration `help:"Only records of the last so long, such as 1h." placeholder:"DURATION"`
	Model  string        `help:"Only calls of this model ID."`
	Failed bool          `help:"Only calls that failed."`
	Totals bool          `help:"Sums by model in place of records."`
	JSON   bool          `help:"One JSON object per line." name:"json"`
}

// Help says where figures come from.
func (ledgerCmd) Help() string {
	return `Reads the ledger in the data folder, also while a server writes it: a record is there about
a second after its call. Costs are by the catalog's prices or the configuration's.

Examples:
  outcrop ledger -n 5
  outcrop ledger --since 24h --totals
  outcrop ledger --failed --json`
}

// Run prints the records or their sums.
func (c *ledgerCmd) Run(ctx context.Context, s streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	r, err := ledger.OpenReader(filepath.Join(cfg.Data, "ledger"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no ledger in %s: has a server run on this folder?", cfg.Data)
	}
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	q := ledger.Query{ModelID: c.Model, Failed: c.Failed, Limit: c.Limit}
	if c.Since > 0 {
		q.From = time.Now().Add(-c.Since)
	}
	if c.Totals {
		return c.totals(ctx, s, r, q)
	}
	page, err := r.Records(ctx, q)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		for i := range page.Records {
			if err := enc.Encode(&page.Records[i]); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "TIME\tOPERATION\tMODEL\tSERVED BY\tFIDELITY\tSTATUS\tMS\tIN\tOUT\tUSD")
	for i := range page.Records {
		r := &page.Records[i]
		status := fmt.Sprint(r.Status)
		if r.ErrorCode != "" {
			status += " " + r.ErrorCode
		}
		served := "-"
		if r.Backend != "" {
			served = r.Backend + "/" + r.UpstreamModel
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.1f\t%d\t%d\t%.6f\n",
			r.Time.Local().Format(time.TimeOnly), r.Operation, printable(r.Model), printable(served), orDash(string(r.Fidelity)), status,
			float64(r.Latency.Microseconds())/1000, r.InputTokens, r.OutputTokens, float64(r.CostNanoUSD)/1e9)
	}
	return w.Flush()
}

func (c *ledgerCmd) totals(ctx context.Context, s streams, r *ledger.Reader, q ledger.Query) error {
	totals, err := r.Totals(ctx, q, ledger.ByModel)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "MODEL\tCALLS\tFAILED\tTHROTTLED\tIN\tOUT\tUSD")
	for _, t := range totals {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%.6f\n", orDash(t.Key[0]), t.Calls, t.ClientErrors+t.ServerErrors, t.Throttles,
			t.InputTokens, t.OutputTokens, float64(t.CostNanoUSD)/1e9)
	}
	return w.Flush()
}

// printable makes text that callers and upstreams wrote fit for a terminal, where control
// characters are orders.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
