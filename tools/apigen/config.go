package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// config says what to generate.
type config struct {
	operations map[string][]string // by service
	overrides  []*override
}

// override removes a constraint.
type override struct {
	service, shape, constraint string
	member                     string // of shape, when it is only that one's
	used                       bool
}

// serviceConfig is the part of a config for one service.
type serviceConfig struct {
	operations []string // "*" takes all
	overrides  []*override
}

func parseConfig(operations, overrides string) (*config, error) {
	c := &config{operations: map[string][]string{}}
	for _, line := range lines(operations) {
		service, op, ok := strings.Cut(line, " ")
		if !ok {
			return nil, fmt.Errorf("operations.txt: %q is not a service and an operation", line)
		}
		c.operations[service] = append(c.operations[service], op)
	}
	for _, line := range lines(overrides) {
		what, reason, _ := strings.Cut(line, ": ")
		f := strings.Fields(what)
		if len(f) != 3 || reason == "" {
			return nil, fmt.Errorf("overrides.txt: %q is not a service, a shape, a constraint and a reason", line)
		}
		if !slices.Contains([]string{"min", "max", "pattern", "enum"}, f[2]) {
			return nil, fmt.Errorf("overrides.txt: %q names an unknown constraint", line)
		}
		o := &override{service: f[0], constraint: f[2]}
		o.shape, o.member, _ = strings.Cut(f[1], ".")
		c.overrides = append(c.overrides, o)
	}
	return c, nil
}

// lines returns the lines of a configuration file that say something.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

func (c *config) services() []string {
	var out []string
	for s := range c.operations {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func (c *config) service(name string) serviceConfig {
	sc := serviceConfig{operations: c.operations[name]}
	for _, o := range c.overrides {
		if o.service == name {
			sc.overrides = append(sc.overrides, o)
		}
	}
	return sc
}

// unused reports overrides that changed nothing: the model no longer needs them.
func (c *config) unused() error {
	var errs []error
	for _, o := range c.overrides {
		if !o.used {
			errs = append(errs, fmt.Errorf("overrides.txt: %s %s has no %s to remove", o.service, o.shape, o.constraint))
		}
	}
	return errors.Join(errs...)
}

// apply removes from m what the overrides name. A member's constraint goes from a
// copy of its shape, so that other members keep it.
func (sc serviceConfig) apply(m *model) {
	for _, o := range sc.overrides {
		s := m.Shapes[o.shape]
		if s == nil {
			continue
		}
		if o.member == "" {
			o.used = o.remove(s)
			continue
		}
		for _, mem := range s.Members {
			if target := m.Shapes[mem.Shape]; mem.Name == o.member && target != nil {
				relaxed := *target
				o.used = o.remove(&relaxed)
				name := mem.Shape + "Relaxed"
				m.Shapes[name] = &relaxed
				mem.Shape = name
			}
		}
	}
}

// remove takes the constraint away and says whether it was there.
func (o *override) remove(s *shape) bool {
	var had bool
	switch o.constraint {
	case "min":
		had, s.Min = s.Min != nil, nil
	case "max":
		had, s.Max = s.Max != nil, nil
	case "pattern":
		had, s.Pattern = s.Pattern != "", ""
	case "enum":
		had, s.Enum = s.Enum != nil, nil
	}
	return had
}
