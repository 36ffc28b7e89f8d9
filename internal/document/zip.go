package document

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/net/html/charset"

	"github.com/outcrop-ai/outcrop/internal/fault"
)

// Bounds on an office package, which is a zip file.
const (
	maxMembers = 20_000
	maxMember  = 64 << 20  // uncompressed, one member
	maxElems   = 2_000_000 // of one member
	maxPackage = 256 << 20 // uncompressed, all members read
)

// pack is an open office package. Its members are read by name, within bounds.
type pack struct {
	format  string
	members map[string]*zip.File
	read    int64
}

func openPack(format string, data []byte) (*pack, error) {
	if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")) {
		return nil, fault.Errorf(fault.Invalid, "The %s document is encrypted or in an older format; save it without a password as %s.", format, format)
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fault.Errorf(fault.Invalid, "The %s document could not be read: %v.", format, err)
	}
	if len(r.File) > maxMembers {
		return nil, fault.Errorf(fault.Invalid, "The %s document has too many parts: over %d.", format, maxMembers)
	}
	p := &pack{format: format, members: make(map[string]*zip.File, len(r.File))}
	for _, f := range r.File {
		p.members[strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(f.Name, `\`, "/")), "/")] = f
	}
	return p, nil
}

// file returns a member's bytes, nil when there is no such member.
func (p *pack) file(name string) ([]byte, error) {
	f := p.members[name]
	if f == nil {
		return nil, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, p.broken(err)
	}
	defer r.Close() //nolint:errcheck // read only
	limit := min(maxMember, maxPackage-p.read)
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, p.broken(err)
	}
	p.read += int64(len(data))
	if int64(len(data)) > limit {
		return nil, fault.Errorf(fault.Invalid, "The %s document is too large once uncompressed.", p.format)
	}
	return data, nil
}

func (p *pack) broken(err error) error {
	return fault.Errorf(fault.Invalid, "The %s document could not be read: %v.", p.format, err)
}

var errElems = errors.New("it has too many elements")

// elem is an XML element with its text and children in order.
type elem struct {
	name  string // local name
	attrs []xml.Attr
	kids  []*elem
	text  string // character data of a leaf or between children, on an element named ""
}

// tree reads a member as a tree of elements; nil when there is no such member.
func (p *pack) tree(name string) (*elem, error) {
	data, err := p.file(name)
	if err != nil || data == nil {
		return nil, err
	}
	root, err := readTree(data)
	if err != nil {
		return nil, p.broken(fmt.Errorf("%s: %w", name, err))
	}
	return root, nil
}

func readTree(data []byte) (*elem, error) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.CharsetReader = charset.NewReaderLabel
	root := &elem{}
	open := []*elem{root}
	for n := 0; ; n++ {
		if n > 2*maxElems {
			return nil, errElems
		}
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		top := open[len(open)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			e := &elem{name: tok.Name.Local, attrs: tok.Attr}
			top.kids = append(top.kids, e)
			if open = append(open, e); len(open) > maxDepth {
				return nil, errDepth
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			top.kids = append(top.kids, &elem{text: string(tok)})
		default:
		}
	}
}

// attr returns an attribute by its local name.
func (e *elem) attr(name string) string {
	if e == nil {
		return ""
	}
	for i := range e.attrs {
		if e.attrs[i].Name.Local == name {
			return e.attrs[i].Value
		}
	}
	return ""
}

// kid returns the first child of that name, or nil; it follows a path of names.
func (e *elem) kid(names ...string) *elem {
	for _, name := range names {
		if e == nil {
			return nil
		}
		var found *elem
		for _, k := range e.kids {
			if k.name == name {
				found = k
				break
			}
		}
		e = found
	}
	return e
}

// each calls f for every descendant of that name, outermost first, and does not
// look inside what it found.
func (e *elem) each(name string, f func(*elem)) {
	if e == nil {
		return
	}
	for _, k := range e.kids {
		if k.name == name {
			f(k)
			continue
		}
		k.each(name, f)
	}
}

// data returns all character data below the element.
func (e *elem) data() string {
	if e == nil {
		return ""
	}
	var sb strings.Builder
	e.appendData(&sb)
	return sb.String()
}

func (e *elem) appendData(sb *strings.Builder) {
	sb.WriteString(e.text)
	for _, k := range e.kids {
		k.appendData(sb)
	}
}

// relations returns a part's relations, ID to target (a member's name), with
// those that point outside left out.
func (p *pack) relations(part string) (map[string]string, error) {
	dir, file := path.Split(part)
	root, err := p.tree(path.Join(dir, "_rels", file+".rels"))
	if err != nil || root == nil {
		return nil, err
	}
	out := map[string]string{}
	root.each("Relationship", func(e *elem) {
		if e.attr("TargetMode") == "External" {
			return
		}
		target := e.attr("Target")
		if strings.HasPrefix(target, "/") {
			out[e.attr("Id")] = strings.TrimPrefix(path.Clean(target), "/")
			return
		}
		out[e.attr("Id")] = path.Join(dir, target)
	})
	return out, nil
}

// sniffPackage tells an office format from the members of a zip file.
func sniffPackage(data []byte) string {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "zip"
	}
	for _, f := range r.File[:min(len(r.File), maxMembers)] {
		switch {
		case strings.HasPrefix(f.Name, "word/"):
			return "docx"
		case strings.HasPrefix(f.Name, "xl/"):
			return "xlsx"
		case strings.HasPrefix(f.Name, "ppt/"):
			return "pptx"
		}
	}
	return "zip"
}
