package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/outcrop-ai/outcrop/internal/server"
)

// modelsCmd shows what serves each model ID.
type modelsCmd struct {
	location
	Region string `help:"Region to look at. Default: the configuration's default_region." placeholder:"REGION"`
	JSON   bool   `help:"As JSON." name:"json"`
}

// Help says what the columns mean.
func (modelsCmd) Help() string {
	return `Shows, from the configuration and the catalog, what answers for each model ID: real where a target
is configured, stand-in where one of Outcrop's own models (or a model server found on this machine)
takes its place. Prices are US dollars per million tokens.`
}

// Run prints the table.
func (c *modelsCmd) Run(s streams) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if c.Region, err = regionOr(c.Region, cfg); err != nil {
		return err
	}
	list, err := server.Serving(cfg, c.Region)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		return enc.Encode(list)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "MODEL ID\tPROVIDER\tSERVED BY\tFIDELITY\tIN $/M\tOUT $/M")
	for _, m := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.Provider, orDash(strings.Join(m.Targets, ", ")), orDash(m.Fidelity),
			dollars(m.InputMicroUSD), dollars(m.OutputMicroUSD))
	}
	return w.Flush()
}

func dollars(micro int64) string {
	if micro == 0 {
		return "-"
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%06d", micro/1e6, micro%1e6), "0"), ".")
}
