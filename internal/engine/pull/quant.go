package pull

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/outcrop-ai/outcrop/internal/engine/gguf"
)

// quantTag is what a quantisation looks like in place of a file: hf:org/repo:Q4_K_M.
var quantTag = regexp.MustCompile(`^(?i)(I?Q[0-9][A-Za-z0-9_]*|TQ[12]_0|MXFP4|BF16|F16|F32)$`)

// preferred are the quantisations that are taken when nobody names one, in this order:
// the usual compromise, and the one next to no loss.
func preferred() []string { return []string{"Q4_K_M", "Q8_0"} }

// ggufModel is a model of a repository: one file, or all its shards.
type ggufModel struct {
	name  string // of the first file
	files []hubFile
}

// ggufModels returns the models among files, by name. Projectors of vision models and
// statistics of quantisers, which are GGUF files too, are none.
func ggufModels(files []hubFile) []ggufModel {
	byName := map[string]hubFile{}
	var firsts []string
	for _, f := range files {
		base := strings.ToLower(path.Base(f.Path))
		if path.Ext(base) != ".gguf" || strings.Contains(base, "mmproj") || strings.Contains(base, "imatrix") {
			continue
		}
		byName[f.Path] = f
		if first := shardsOf(f.Path)[0]; !slices.Contains(firsts, first) {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	var models []ggufModel
	for _, first := range firsts {
		m := ggufModel{name: first}
		for _, name := range shardsOf(first) {
			if f, ok := byName[name]; ok {
				m.files = append(m.files, f)
			}
		}
		if len(m.files) == len(shardsOf(first)) { // whole
			models = append(models, m)
		}
	}
	return models
}

// shardsOf returns the files of a model, with slashes.
func shardsOf(name string) []string {
	list := gguf.Shards(filepath.FromSlash(name))
	for i := range list {
		list[i] = filepath.ToSlash(list[i])
	}
	return list
}

// isQuant reports whether a model's name says that it has that quantisation.
func (m *ggufModel) isQuant(quant string) bool {
	name := strings.ToLower(m.name)
	quant = strings.ToLower(quant)
	for at := 0; ; {
		i := strings.Index(name[at:], quant)
		if i < 0 {
			return false
		}
		before, after := name[:at+i], name[at+i+len(quant):]
		if (before == "" || strings.ContainsRune("-._/", rune(before[len(before)-1]))) && (after == "" || strings.ContainsRune("-./", rune(after[0]))) {
			return true
		}
		at += i + 1
	}
}

// pickGGUF returns the model that has the given quantisation; when that is empty, the
// only one there is or the one that has a preferred one.
func (h *hub) pickGGUF(models []ggufModel, quant string) ([]hubFile, error) {
	if quant == "" && len(models) == 1 {
		return models[0].files, nil
	}
	wanted := []string{quant}
	if quant == "" {
		wanted = preferred()
	}
	for _, q := range wanted {
		var found []ggufModel
		for _, m := range models {
			if m.isQuant(q) {
				found = append(found, m)
			}
		}
		if len(found) == 1 {
			return found[0].files, nil
		}
		if len(found) > 1 {
			return nil, fmt.Errorf("several files of the repository are %s: name one, such as hf:%s:%s (of %s)", q, h.repo, found[0].name, listNames(found))
		}
	}
	if quant != "" {
		return nil, fmt.Errorf("the repository has no file %s, and no GGUF file of that quantisation (of %s)", quant, listNames(models))
	}
	return nil, fmt.Errorf("the repository holds GGUF files: name one, such as hf:%s:%s (of %s)", h.repo, models[0].name, listNames(models))
}

func listNames(models []ggufModel) string {
	var names []string
	for _, m := range models[:min(len(models), 20)] {
		names = append(names, m.name)
	}
	return strings.Join(names, ", ")
}
