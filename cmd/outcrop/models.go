package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/outcrop-ai/outcrop/internal/server"
	"github.com/outcrop-ai/outcrop/internal/server/config"
)

// modelsCmd shows what serves each model ID.
type modelsCmd struct {
	location
	Region string `help:"Region to look at. Default: the configuration's default_region." placeholder:"REGION"`
	Local  bool   `help:"Only the models on this machine."`
	JSON   bool   `help:"As JSON." name:"json"`
}

// Help says what the columns mean.
func (modelsCmd) Help() string {
	return `Shows, from the configuration and the catalog, what answers for each model ID: real where a target
is configured, stand-in where one of Outcrop's own models (or a model server found on this machine)
takes its place. Prices are US dollars per million tokens.

Below them are the models on this machine, which run inside Outcrop: what was pulled, and what Ollama
keeps. Each has an ID of its own, and any model ID can be given to it:
  models: {anthropic.claude-3-haiku-20240307-v1:0: [embedded/NAME]}`
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
	if c.Local {
		return c.local(s, cfg)
	}
	list, err := server.Serving(cfg, c.Region)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, list)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "MODEL ID\tPROVIDER\tSERVED BY\tFIDELITY\tIN $/M\tOUT $/M")
	for _, m := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.Provider, orDash(strings.Join(m.Targets, ", ")), orDash(m.Fidelity),
			dollars(m.InputMicroUSD), dollars(m.OutputMicroUSD))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(s.out)
	return c.local(s, cfg)
}

// local prints the models on this machine.
func (c *modelsCmd) local(s streams, cfg config.Config) error {
	list, err := server.Local(cfg)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(s.out, "No models are on this machine. See outcrop pull --help.")
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ON THIS MACHINE\tKIND\tSIZE\tSERVES")
	for _, m := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Name, m.Kind, size(m.Size), orDash(strings.Join(m.Serves, ", ")))
	}
	return w.Flush()
}

func dollars(micro int64) string {
	if micro == 0 {
		return "-"
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%06d", micro/1e6, micro%1e6), "0"), ".")
}
