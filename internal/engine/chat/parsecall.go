package chat

import (
	"strings"
	"unicode"
)

// open takes a marker that begins calls.
func (p *Parser) open(marker string) {
	p.buf = p.buf[len(marker):]
	p.begun, p.scan = false, nil
	switch {
	case p.syntax.family == familyMistral:
		p.held = []byte(marker)
		p.state = p.mistral
	case p.syntax.opener == "": // <|python_tag|>: code, or a call
		p.held = nil
		p.state = p.candidate
	default:
		p.held = []byte(marker)
		p.state = p.tagged
	}
}

// space moves white space from the buffer to what is held.
func (p *Parser) space() {
	p.hold(len(p.buf) - len(strings.TrimLeftFunc(p.buf, unicode.IsSpace)))
}

// hold moves n bytes from the buffer to what is held.
func (p *Parser) hold(n int) {
	p.held = append(p.held, p.buf[:n]...)
	p.buf = p.buf[n:]
}

// tagged reads the beginning of a call behind its marker.
func (p *Parser) tagged(final bool) bool {
	if p.space(); p.buf == "" {
		return p.starved(final)
	}
	switch p.buf[0] {
	case '{':
		p.scan = &callScan{known: p.known}
		p.state = p.call
	case '[':
		p.hold(1)
		p.list = true
		p.state = p.listStart
	default:
		p.broken("it is no JSON object")
	}
	return true
}

// starved is a call's state that has nothing to read. At the end of the answer what
// was held comes out.
func (p *Parser) starved(final bool) bool {
	switch {
	case final:
		p.broken("it is not complete")
	case len(p.held) > maxHeld:
		p.broken("its beginning is too long")
		return true
	}
	return false
}

// broken gives up a call.
func (p *Parser) broken(why string) {
	reported := p.begun || p.syntax.opener != ""
	held := string(p.held)
	if p.begun {
		p.next()
	} else { // the words go on where they stopped
		p.held, p.scan, p.list, p.fence = nil, nil, false, false
		p.state = p.text
		p.say(held)
	}
	if reported {
		p.emit(Event{Kind: Malformed, Text: why})
	}
}

// call reads an object with a call.
func (p *Parser) call(final bool) bool {
	for i := range len(p.buf) {
		if err := p.scan.feed(p.buf[i]); err != nil {
			p.read(i)
			if p.scan.inputIs == inputWhole && p.begun { // all that matters was there
				p.endCall()
				return true
			}
			p.broken(err.Error())
			return true
		}
		if p.scan.done() {
			p.read(i + 1)
			p.start(true)
			p.endCall()
			return true
		}
		if !p.begun && len(p.held)+i > maxHeld {
			p.read(i + 1)
			p.broken("its beginning is too long")
			return true
		}
	}
	p.read(len(p.buf))
	if !final {
		return false
	}
	if p.begun && p.scan.inputIs == inputWhole {
		p.endCall()
		return true
	}
	return p.starved(true)
}

// read takes n bytes as part of the call and tells what is known of it.
func (p *Parser) read(n int) {
	if !p.begun {
		p.hold(n)
	} else {
		p.buf = p.buf[n:]
	}
	p.start(false)
}

// start tells that a call has begun, once that is known, and hands on its arguments.
// whole: nothing more will be known.
func (p *Parser) start(whole bool) {
	if !p.begun && (p.scan.started() || whole && p.scan.name != "") {
		p.begun, p.held = true, nil
		p.sink = sink{kind: Text}
		p.emit(Event{Kind: ToolStart, Name: p.scan.name, ID: p.format.newID()})
		if p.scan.inputIs == inputNone {
			p.scan.input.WriteString("{}")
		}
	}
	if p.begun {
		if fragment := p.scan.take(); fragment != "" {
			p.emit(Event{Kind: ToolInput, Text: fragment})
		}
	}
}

// endCall ends a call that is whole.
func (p *Parser) endCall() {
	if !p.begun { // an object without a name
		p.broken("it names no tool")
		return
	}
	p.emit(Event{Kind: ToolStop})
	p.begun, p.scan = false, nil
	p.state = p.afterCall
}

// afterCall reads what may stand between calls and behind the last.
func (p *Parser) afterCall(final bool) bool {
	separators := ""
	if p.syntax.opener == "" || p.list {
		separators = ";,"
	}
	p.buf = strings.TrimLeftFunc(p.buf, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(separators, r) })
	if p.buf == "" {
		return false
	}
	end := p.syntax.closer
	switch {
	case p.list:
		end = "]"
	case p.fence:
		end = "```"
	}
	switch {
	case end != "" && strings.HasPrefix(p.buf, end):
		p.buf = p.buf[len(end):]
		if p.list && (p.fence || p.syntax.closer != "") {
			p.list = false // what is around the list comes next
			return true
		}
		p.next()
		p.blank = true
	case end != "" && strings.HasPrefix(end, p.buf) && !final:
		return false
	case p.buf[0] == '{':
		p.held = nil
		p.scan = &callScan{known: p.known, strict: p.syntax.opener == ""}
		p.state = p.call
	default:
		p.next()
		p.blank = true
	}
	return true
}

// mistral reads what follows the marker: a list, an object, or a tool's name.
func (p *Parser) mistral(final bool) bool {
	if p.space(); p.buf == "" {
		return p.starved(final)
	}
	switch p.buf[0] {
	case '[':
		p.hold(1)
		p.list = true
		p.state = p.listStart
	case '{':
		p.scan = &callScan{known: p.known}
		p.state = p.call
	default:
		p.name.Reset()
		p.state = p.mistralName
	}
	return true
}

// listStart reads the beginning of a list of calls.
func (p *Parser) listStart(final bool) bool {
	if p.space(); p.buf == "" {
		return p.starved(final)
	}
	if p.buf[0] != '{' {
		p.broken("it is no list of JSON objects")
		return true
	}
	p.scan = &callScan{known: p.known}
	p.state = p.call
	return true
}

// mistralName reads a tool's name up to its arguments.
func (p *Parser) mistralName(final bool) bool {
	for i := range len(p.buf) {
		c := p.buf[i]
		switch {
		case c == '{' || c == '[':
			p.hold(i)
			if c == '[' {
				p.state = p.mistralMarker
				return true
			}
			p.mistralArguments()
			return true
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == ' ':
			p.name.WriteByte(c)
		default:
			p.hold(i)
			p.broken("it has no arguments")
			return true
		}
		if p.name.Len() > maxToolName {
			p.hold(i + 1)
			p.broken("its name is too long")
			return true
		}
	}
	p.hold(len(p.buf))
	return p.starved(final)
}

// mistralMarker reads [ARGS], or [CALL_ID] with an ID.
func (p *Parser) mistralMarker(final bool) bool {
	switch {
	case strings.HasPrefix(p.buf, argsMarker):
		p.hold(len(argsMarker))
		p.state = p.mistralObject
	case strings.HasPrefix(p.buf, callIDMarker):
		p.hold(len(callIDMarker))
		p.state = p.mistralID
	case !final && (strings.HasPrefix(argsMarker, p.buf) || strings.HasPrefix(callIDMarker, p.buf)):
		return false
	default:
		p.broken("it has no arguments")
	}
	return true
}

// mistralID skips the ID that the model gives the call; it gets one of ours.
func (p *Parser) mistralID(final bool) bool {
	i := strings.IndexByte(p.buf, '[')
	const longest = 64
	if i < 0 {
		p.hold(len(p.buf))
		if len(p.held) > maxToolName+longest {
			p.broken("its ID is too long")
			return true
		}
		return p.starved(final)
	}
	p.hold(i)
	p.state = p.mistralMarker
	return true
}

// maxToolName bounds a marker and a tool's name.
const maxToolName = 256

func (p *Parser) mistralObject(final bool) bool {
	if p.space(); p.buf == "" {
		return p.starved(final)
	}
	if p.buf[0] != '{' {
		p.broken("its arguments are no object")
		return true
	}
	p.mistralArguments()
	return true
}

// mistralArguments reads the arguments as if they stood in an object with the name.
func (p *Parser) mistralArguments() {
	name := strings.TrimSpace(p.name.String())
	if !p.known[name] {
		p.broken("there is no tool \"" + name + "\"")
		return
	}
	p.scan = &callScan{known: p.known, direct: true, name: name, inputIs: inputOpen}
	p.state = p.call
}

// candidate reads what may be a call, at the start of a line: a fence and the opening
// of a list, if any, up to an object.
func (p *Parser) candidate(final bool) bool {
	if p.space(); p.buf == "" {
		return p.starved(final)
	}
	switch c := p.buf[0]; {
	case c == '{':
		p.scan = &callScan{known: p.known, strict: true}
		p.state = p.call
	case c == '[' && !p.list:
		p.hold(1)
		p.list = true
	case c == '`' && !p.list && !p.fence:
		return p.openFence(final)
	default:
		p.broken("")
	}
	return true
}

// openFence reads ``` and the language's name behind it.
func (p *Parser) openFence(final bool) bool {
	const longest = 24
	end := strings.IndexByte(p.buf, '\n')
	line := p.buf
	if end >= 0 {
		line = p.buf[:end]
	}
	language := strings.TrimLeft(line, "`")
	ticks := len(line) - len(language)
	word := strings.TrimRight(language, " \r")
	plain := strings.IndexFunc(word, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) < 0
	switch {
	case ticks > 3 || language != "" && (ticks < 3 || !plain) || len(line) > longest:
		n := max(ticks, 1)
		p.hold(n)
		p.broken("")
		return true
	case end < 0:
		if final {
			p.hold(len(p.buf))
			return p.starved(true)
		}
		return false
	case ticks < 3:
		p.hold(max(ticks, 1))
		p.broken("")
		return true
	}
	p.hold(end)
	p.fence = true
	return true
}
