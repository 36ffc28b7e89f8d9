package pattern

// A scanner returns the end of the word that begins at s[i], for expressions that
// match everywhere; i < len(s).
type scanner func(s string, i int) int

// The expressions that have a scanner.
const (
	GPT2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	// Llama3 is cl100k's, too.
	Llama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	Qwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	// Qwen35 counts marks among the letters.
	Qwen35 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	// GPT4o is o200k's.
	GPT4o  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	Tekken = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// scannerFor returns the scanner of an expression, nil when it has none.
func scannerFor(expr string) scanner {
	t := tables()
	switch expr {
	case GPT2:
		return t.gpt2
	case Llama3:
		return func(s string, i int) int { return t.llama3(s, i, letter, 3) }
	case Qwen2:
		return func(s string, i int) int { return t.llama3(s, i, letter, 1) }
	case Qwen35:
		return func(s string, i int) int { return t.llama3(s, i, letter|mark, 1) }
	case GPT4o:
		return func(s string, i int) int { return t.gpt4o(s, i, 3, true) }
	case Tekken:
		return func(s string, i int) int { return t.gpt4o(s, i, 1, false) }
	}
	return nil
}

// gpt2 scans GPT2.
func (t *classes) gpt2(s string, i int) int {
	if s[i] == '\'' {
		if n := contraction(s[i:], false); n > 0 {
			return i + n
		}
	}
	j := i
	if s[i] == ' ' && i+1 < len(s) {
		j++
	}
	k, size := t.at(s, j)
	switch {
	case k&letter != 0:
		return t.run(s, j+size, letter)
	case k&number != 0:
		return t.run(s, j+size, number)
	case k&space == 0:
		return t.signs(s, j+size, letter)
	}
	return t.spaces(s, i)
}

// llama3 scans Llama3, Qwen2 and Qwen35, which differ in what makes a word and in how
// many digits do.
func (t *classes) llama3(s string, i int, word class, digits int) int {
	if s[i] == '\'' {
		if n := contraction(s[i:], true); n > 0 {
			return i + n
		}
	}
	k, size := t.at(s, i)
	switch {
	case k&word != 0:
		return t.run(s, i+size, word)
	case k&number != 0:
		return t.numbers(s, i+size, digits-1)
	}
	next, more := class(0), 0
	if i+size < len(s) {
		next, more = t.at(s, i+size)
	}
	switch {
	case next&word != 0 && s[i] != '\r' && s[i] != '\n':
		return t.run(s, i+size+more, word)
	case k&space == 0:
		return lineEnds(s, t.signs(s, i+size, word), false)
	case s[i] == ' ' && more > 0 && next&(space|word|number) == 0:
		return lineEnds(s, t.signs(s, i+size+more, word), false)
	}
	return t.lines(s, i)
}

// gpt4o scans GPT4o and Tekken.
func (t *classes) gpt4o(s string, i, digits int, contractions bool) int {
	k, size := t.at(s, i)
	if k&number == 0 && s[i] != '\r' && s[i] != '\n' {
		end := t.cased(s, i, size, k)
		if end > i {
			if contractions && end < len(s) && s[end] == '\'' {
				end += contraction(s[end:], true)
			}
			return end
		}
	}
	if k&number != 0 {
		return t.numbers(s, i+size, digits-1)
	}
	if k&space == 0 {
		return lineEnds(s, t.signs(s, i+size, letter), true)
	}
	if s[i] == ' ' && i+1 < len(s) {
		if next, more := t.at(s, i+1); next&(space|letter|number) == 0 {
			return lineEnds(s, t.signs(s, i+1+more, letter), true)
		}
	}
	return t.lines(s, i)
}

const (
	uncased = modif | other | mark // in both sets
	upperly = upper | title | uncased
	lowerly = lower | uncased
)

// cased returns the end of a word of capitals and then small letters at s[i], or
// after the one character there, of class k; i when there is none.
func (t *classes) cased(s string, i, size int, k class) int {
	first, second := i+size, i // with the optional character and without
	if k&letter != 0 {
		first = i // it cannot be the optional one
	}
	if end := t.capitalized(s, first); end > first {
		return end
	}
	if end := t.capitalized(s, second); first != second && end > second {
		return end
	}
	if end := t.run(s, first, upperly); end > first {
		return t.run(s, end, lowerly)
	}
	if end := t.run(s, second, upperly); end > second {
		return t.run(s, end, lowerly)
	}
	return i
}

// capitalized matches [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ and
// returns i when it does not.
func (t *classes) capitalized(s string, i int) int {
	last := i // after the last character of the capitals that may also be a small letter
	for i < len(s) {
		k, size := t.at(s, i)
		if k&upperly == 0 {
			if k&lower != 0 {
				return t.run(s, i+size, lowerly)
			}
			return last
		}
		i += size
		if k&uncased != 0 {
			last = i
		}
	}
	return last
}

// contraction returns the length of 's, 't, 're, 've, 'm, 'll or 'd at the start of
// s, which begins with the apostrophe; 0 when there is none.
func contraction(s string, fold bool) int {
	if len(s) < 2 {
		return 0
	}
	c := s[1]
	if fold {
		if c == 0xc5 && len(s) > 2 && s[2] == 0xbf { // ſ, another small s
			return 3
		}
		c |= 0x20
	}
	switch c {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v', 'l':
		if len(s) < 3 {
			return 0
		}
		d := s[2]
		if fold {
			d |= 0x20
		}
		if c == 'l' && d == 'l' || c != 'l' && d == 'e' {
			return 3
		}
	}
	return 0
}

// numbers goes on over at most n numbers.
func (t *classes) numbers(s string, i, n int) int {
	for ; n > 0 && i < len(s); n-- {
		k, size := t.at(s, i)
		if k&number == 0 {
			break
		}
		i += size
	}
	return i
}

// lineEnds goes on over line ends, and slashes.
func lineEnds(s string, i int, slashes bool) int {
	for i < len(s) && (s[i] == '\r' || s[i] == '\n' || slashes && s[i] == '/') {
		i++
	}
	return i
}

// spaces matches \s+(?!\S)|\s+: white space but for its last character, which goes
// with the word behind it.
func (t *classes) spaces(s string, i int) int {
	last, end := i, i
	for end < len(s) {
		k, size := t.at(s, end)
		if k&space == 0 {
			break
		}
		last = end
		end += size
	}
	if end == len(s) || last == i {
		return end
	}
	return last
}

// lines matches \s*[\r\n]+|\s+(?!\S)|\s+: white space up to its last line end.
func (t *classes) lines(s string, i int) int {
	line, last, end := i, i, i
	for end < len(s) {
		k, size := t.at(s, end)
		if k&space == 0 {
			break
		}
		last = end
		end += size
		if c := s[last]; c == '\r' || c == '\n' {
			line = end
		}
	}
	switch {
	case line > i:
		return line
	case end == len(s) || last == i:
		return end
	}
	return last
}
