package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// unit is one pair of generated files.
type unit struct {
	name             string
	data, text, decl strings.Builder
	known            map[string]bool // constants that are written already
}

// arg is a parameter; all of them take 8 bytes.
type arg struct{ name, typ string }

// fn is the function being written.
type fn struct {
	u    *unit
	name string
}

// fn begins a function; doc is the comment of its declaration.
func (u *unit) fn(name, doc string, frame int, args ...arg) *fn {
	params := make([]string, len(args))
	for i, a := range args {
		params[i] = a.name + " " + a.typ
	}
	sig := fmt.Sprintf("func %s(%s)", name, strings.Join(params, ", "))
	fmt.Fprintf(&u.decl, "\n// %s %s\n//\n//go:noescape\n%s\n", name, doc, sig)
	fmt.Fprintf(&u.text, "\n// %s\nTEXT ·%s(SB), NOSPLIT, $%d-%d\n", sig, name, frame, 8*len(args))
	return &fn{u, name}
}

// p writes one instruction.
func (f *fn) p(format string, args ...any) {
	fmt.Fprintf(&f.u.text, "\t"+format+"\n", args...)
}

// label writes a label, local to the function.
func (f *fn) label(l string) { fmt.Fprintf(&f.u.text, "%s:\n", l) }

// rotor hands out registers in turn.
type rotor struct {
	regs []int
	i    int
}

func rotate(regs ...int) *rotor { return &rotor{regs: regs} }

func (r *rotor) next() int {
	r.i++
	return r.regs[r.i%len(r.regs)]
}

// seq returns n registers from first on.
func seq(first, n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = first + i
	}
	return s
}

// bytes defines a constant and returns its operand.
func (u *unit) bytes(name string, b []byte) string {
	if !u.known[name] {
		u.known[name] = true
		u.data.WriteString("\n")
		for i := 0; i < len(b); i += 8 {
			fmt.Fprintf(&u.data, "DATA %s<>+%d(SB)/8, $0x%016x\n", name, i, binary.LittleEndian.Uint64(b[i:]))
		}
		fmt.Fprintf(&u.data, "GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", name, len(b))
	}
	return name + "<>(SB)"
}

// words defines a constant of 32 bytes that repeats the given 32-bit words.
func (u *unit) words(name string, w ...uint32) string {
	var b []byte
	for i := range 8 {
		b = binary.LittleEndian.AppendUint32(b, w[i%len(w)])
	}
	return u.bytes(name, b)
}

// float defines a constant of 8 times x.
func (u *unit) float(name string, x float64) string {
	return u.words(name, math.Float32bits(float32(x)))
}
