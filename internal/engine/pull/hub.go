package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxListed bounds the pages of a repository's listing (a thousand files each).
const maxListed = 20

// hub is a Hugging Face repository, one file of it, or its GGUF file of a quantisation
// that is named in place of a file.
type hub struct{ repo, revision, file string }

// String names the source.
func (h *hub) String() string {
	s := "hf:" + h.repo
	if h.revision != "" {
		s += "@" + h.revision
	}
	if h.file != "" {
		s += ":" + h.file
	}
	return s
}

// hubFile is one entry of a repository's listing.
type hubFile struct {
	Type string `json:"type"`
	Path string `json:"path"`
	Size int64  `json:"size"`
	OID  string `json:"oid"`
	LFS  *struct {
		OID  string `json:"oid"` // SHA-256
		Size int64  `json:"size"`
	} `json:"lfs"`
}

func (h *hub) fetch(ctx context.Context, p *Puller, work string) (*Model, error) {
	commit, license, err := h.commit(ctx, p)
	if err != nil {
		return nil, err
	}
	listed, err := h.list(ctx, p, commit)
	if err != nil {
		return nil, err
	}
	files, err := h.choose(listed)
	if err != nil {
		return nil, err
	}
	m := &Model{License: license}
	for _, f := range files {
		r := remote{url: p.cfg.HuggingFace + "/" + h.repo + "/resolve/" + commit + "/" + escape(f.Path), token: p.cfg.Token, size: f.Size, blob: f.OID}
		if f.LFS != nil {
			r.size, r.sha256, r.blob = f.LFS.Size, f.LFS.OID, ""
		}
		if err := p.download(ctx, r, f.Path, filepath.Join(work, filepath.FromSlash(f.Path))); err != nil {
			return nil, err
		}
		file, err := describe(work, f.Path)
		if err != nil {
			return nil, err
		}
		m.Files = append(m.Files, file)
	}
	return m, nil
}

// commit asks what the revision is now, so that all files are of one state.
func (h *hub) commit(ctx context.Context, p *Puller) (commit, license string, err error) {
	revision := h.revision
	if revision == "" {
		revision = "main"
	}
	got, err := p.get(ctx, p.cfg.HuggingFace+"/api/models/"+h.repo+"/revision/"+url.PathEscape(revision), "application/json", p.cfg.Token)
	if err != nil {
		return "", "", err
	}
	var info struct {
		SHA  string   `json:"sha"`
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(got.body, &info); err != nil {
		return "", "", fmt.Errorf("the description of the repository: %w", err)
	}
	if !hubRevision.MatchString(info.SHA) || strings.Contains(info.SHA, "/") {
		return "", "", fmt.Errorf("the description of the repository has the commit %.60q", info.SHA)
	}
	for _, t := range info.Tags {
		if l, ok := strings.CutPrefix(t, "license:"); ok && len(l) < 64 {
			license = l
		}
	}
	return info.SHA, license, nil
}

// list returns the repository's files.
func (h *hub) list(ctx context.Context, p *Puller, commit string) ([]hubFile, error) {
	var all []hubFile
	next := p.cfg.HuggingFace + "/api/models/" + h.repo + "/tree/" + commit + "?recursive=true"
	for range maxListed {
		got, err := p.get(ctx, next, "application/json", p.cfg.Token)
		if err != nil {
			return nil, err
		}
		var files []hubFile
		if err := json.Unmarshal(got.body, &files); err != nil {
			return nil, fmt.Errorf("the listing of the repository: %w", err)
		}
		all = append(all, files...)
		if next = nextPage(got); next == "" {
			return all, nil
		}
	}
	return nil, errors.New("the repository has too many files")
}

// nextPage returns the address that a listing's Link header gives for what follows, on
// the same server.
func nextPage(got *page) string {
	for link := range strings.SplitSeq(got.header.Get("Link"), ",") {
		address, params, _ := strings.Cut(strings.TrimSpace(link), ">")
		if !strings.Contains(params, `rel="next"`) || !strings.HasPrefix(address, "<") {
			continue
		}
		if u, err := got.url.Parse(address[1:]); err == nil && u.Host == got.url.Host && u.Scheme == got.url.Scheme {
			return u.String()
		}
	}
	return ""
}

// choose returns the files that a model needs.
func (h *hub) choose(listed []hubFile) ([]hubFile, error) {
	var files, gguf []hubFile
	weights := false
	for _, f := range listed {
		switch {
		case f.Type != "file" || !safeName(f.Path) || f.Size < 0:
			continue
		case path.Ext(f.Path) == ".gguf":
			gguf = append(gguf, f)
		case wanted(f.Path):
			weights = weights || path.Ext(f.Path) == ".safetensors"
			files = append(files, f)
		}
		if f.Path == h.file && len(shardsOf(f.Path)) == 1 {
			return []hubFile{f}, nil
		}
	}
	models := ggufModels(gguf)
	switch {
	case quantTag.MatchString(h.file) && len(models) > 0:
		return h.pickGGUF(models, h.file)
	case h.file != "":
		return h.shards(gguf)
	case weights:
		return files, nil
	case len(models) > 0:
		return h.pickGGUF(models, "")
	}
	return nil, errors.New("the repository has neither a .safetensors nor a whole .gguf file")
}

// shards returns all files of the model that h names one file of.
func (h *hub) shards(listed []hubFile) ([]hubFile, error) {
	var files []hubFile
	for _, name := range shardsOf(h.file) {
		i := slices.IndexFunc(listed, func(f hubFile) bool { return f.Path == name })
		if i < 0 {
			return nil, fmt.Errorf("the repository has no file %s", name)
		}
		files = append(files, listed[i])
	}
	return files, nil
}

// wanted reports whether a model's folder needs the file: its weights in safetensors
// form, and what says how to use them. Weights in other forms are left out.
func wanted(name string) bool {
	dir, base := path.Split(name)
	switch base {
	case "config.json", "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json",
		"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json", "merges.txt", "tokenizer.model",
		"generation_config.json", "chat_template.jinja", "chat_template.json", "model.safetensors.index.json", "model.safetensors":
		// In folders, only those of sentence-transformers: 1_Pooling/config.json.
		return dir == "" || len(dir) > 2 && '0' <= dir[0] && dir[0] <= '9' && dir[1] == '_' && strings.Count(dir, "/") == 1
	}
	if dir != "" {
		return false
	}
	return strings.HasPrefix(base, "LICENSE") || strings.HasPrefix(base, "model-") && strings.HasSuffix(base, ".safetensors")
}

// escape writes a file's name as the path of an address.
func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, s := range parts {
		parts[i] = url.PathEscape(s)
	}
	return strings.Join(parts, "/")
}
