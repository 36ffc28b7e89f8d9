// Command sbom writes what a release needs to say about the modules it links: an
// SPDX 2.3 bill of materials and one file with all their licence texts. It reads
// the build list of ./cmd/outcrop and the module cache, standard library only.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/build"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

type module struct {
	Path, Version, Dir, Sum string
	Main                    bool
}

func main() {
	version := flag.String("version", "dev", "version of outcrop")
	epoch := flag.Int64("epoch", 0, "time of the document, seconds since 1970")
	sbom := flag.String("sbom", "outcrop.spdx.json", "where the SPDX document goes")
	licenses := flag.String("licenses", "THIRD_PARTY_LICENSES", "where the licence texts go")
	flag.Parse()
	if err := run(*version, time.Unix(*epoch, 0).UTC(), *sbom, *licenses); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(version string, at time.Time, sbom, licenses string) error {
	mods, err := linked()
	if err != nil {
		return err
	}
	var text bytes.Buffer
	packages := []map[string]any{spdxPackage("outcrop", version, "Apache-2.0")}
	// The standard library is part of the binary too.
	mods = append(mods, module{Path: "std", Version: runtime.Version(), Dir: build.Default.GOROOT})
	for _, m := range mods {
		name, body, err := license(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		packages = append(packages, spdxPackage(m.Path, m.Version, name))
		_, _ = fmt.Fprintf(&text, "== %s %s (%s)\n\n%s\n\n", m.Path, m.Version, name, body)
	}
	doc := map[string]any{
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
		"name":              "outcrop-" + version,
		"documentNamespace": "https://github.com/outcrop-ai/outcrop/spdx/" + version,
		"creationInfo":      map[string]any{"created": at.Format(time.RFC3339), "creators": []string{"Tool: outcrop-sbom"}},
		"packages":          packages,
		"relationships":     relationships(packages),
	}
	out, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(sbom, append(out, '\n'), 0o644), os.WriteFile(licenses, text.Bytes(), 0o644)) //nolint:gosec // both are published
}

// linked lists the modules that have a package in the binary.
func linked() ([]module, error) {
	out, err := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/outcrop").Output() //nolint:noctx // ends with us
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	seen := map[string]module{}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct{ Module *module }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if p.Module != nil && !p.Module.Main {
			seen[p.Module.Path] = *p.Module
		}
	}
	var mods []module
	for _, m := range seen {
		mods = append(mods, m)
	}
	slices.SortFunc(mods, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return mods, nil
}

// license reads a module's licence and names it by words that only it has. A licence
// we do not know fails the release: somebody has to read it.
func license(m module) (name, body string, err error) {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return "", "", err
	}
	for _, e := range entries {
		upper := strings.ToUpper(e.Name())
		if !strings.HasPrefix(upper, "LICENSE") && !strings.HasPrefix(upper, "LICENCE") && !strings.HasPrefix(upper, "COPYING") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return "", "", err
		}
		if name := identify(string(b)); name != "" {
			return name, string(b), nil
		}
	}
	return "", "", errors.New("no licence that we know in its folder")
}

func identify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case strings.Contains(text, "Apache License") && strings.Contains(text, "Version 2.0"):
		return "Apache-2.0"
	case strings.Contains(text, "Mozilla Public License") && strings.Contains(text, "2.0"):
		return "MPL-2.0"
	case strings.Contains(text, "Permission is hereby granted, free of charge"):
		return "MIT"
	case strings.Contains(text, "Redistribution and use in source and binary forms") &&
		(strings.Contains(text, "Neither the name") || strings.Contains(text, "may not be used to endorse")):
		return "BSD-3-Clause"
	case strings.Contains(text, "Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case strings.Contains(text, "Permission to use, copy, modify, and/or distribute this software"), strings.Contains(text, "Permission to use, copy, modify, and distribute this software"):
		return "ISC"
	}
	return ""
}

func spdxPackage(path, version, license string) map[string]any {
	id := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, path)
	return map[string]any{
		"SPDXID": "SPDXRef-" + id, "name": path, "versionInfo": version,
		"downloadLocation": "NOASSERTION", "filesAnalyzed": false,
		"licenseConcluded": license, "licenseDeclared": license, "copyrightText": "NOASSERTION",
		"externalRefs": []map[string]string{{
			"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:golang/" + path + "@" + strings.TrimPrefix(version, "go"),
		}},
	}
}

func relationships(packages []map[string]any) []map[string]any {
	rel := []map[string]any{{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": packages[0]["SPDXID"]}}
	for _, p := range packages[1:] {
		rel = append(rel, map[string]any{"spdxElementId": packages[0]["SPDXID"], "relationshipType": "DEPENDS_ON", "relatedSpdxElement": p["SPDXID"]})
	}
	return rel
}
