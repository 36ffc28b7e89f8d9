package policy

import (
	"regexp"
	"slices"
	"strings"
)

// actionSet is Action or NotAction.
type actionSet struct {
	globs []glob
	not   bool
}

func (a actionSet) matches(e *evaluation) bool {
	return a.not != slices.ContainsFunc(a.globs, func(g glob) bool { return g.match(e.action) })
}

var actionFormat = regexp.MustCompile(`^(?:\*|[A-Za-z0-9-]+):[A-Za-z0-9*?_.-]+$`)

func compileActions(patterns []string, not bool) (actionSet, error) {
	set := actionSet{not: not}
	for _, s := range patterns {
		if s != "*" && !actionFormat.MatchString(s) {
			return set, malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: %q", clip(s))
		}
		p, err := compilePattern(strings.ToLower(s), compileOptions{wildcards: true})
		if err != nil {
			return set, err
		}
		set.globs = append(set.globs, p.parts[0].glob)
	}
	return set, nil
}

// resourceSet is Resource or NotResource.
type resourceSet struct {
	all  bool // one of them is "*"
	arns []arnPattern
	not  bool
}

func (r resourceSet) matches(e *evaluation) bool {
	return r.not != (r.all || slices.ContainsFunc(r.arns, func(p arnPattern) bool { return p.match(e.resource, e) }))
}

func compileResources(patterns []string, not bool, o compileOptions) (resourceSet, error) {
	set := resourceSet{not: not}
	for _, s := range patterns {
		if s == "*" {
			set.all = true
			continue
		}
		p, err := compileARN(s, o, true)
		if err != nil {
			if !strings.HasPrefix(s, "arn:") {
				err = malformed("Resource %s must be in ARN format or \"*\"", clip(s))
			}
			return set, err
		}
		set.arns = append(set.arns, p)
	}
	return set, nil
}
