// Package arch holds the graphs of the models that the engine runs: which tensors a
// model has, and what is computed with them in which order. One file per family.
//
// A graph reads its configuration (config.json), checks it against the weights, packs
// the matrices for the kernels and then runs forward passes. It knows no texts:
// package token makes the IDs, and package engine joins the two.
//
// Graphs are immutable once loaded. A forward pass writes only to the working memory
// it is given, so passes with memory of their own can run at the same time. Nothing in
// a configuration is trusted: dimensions are bounded before memory is taken, and every
// tensor must have the shape that they imply.
package arch

import (
	"fmt"
	"slices"

	"github.com/outcrop-ai/outcrop/internal/engine/kernel"
	"github.com/outcrop-ai/outcrop/internal/engine/safetensors"
)

// loader takes a model's tensors out of its files and keeps the first error, so that
// a graph can be read as a list of its parts.
type loader struct {
	set     *safetensors.Set
	compute *kernel.Compute
	prefix  string
	err     error
}

// tensor returns the tensor of a name and shape.
func (l *loader) tensor(name string, shape ...int) *safetensors.Tensor {
	if l.err != nil {
		return nil
	}
	t := l.set.Tensor(l.prefix + name)
	switch {
	case t == nil:
		l.err = fmt.Errorf("the weights have no %s", l.prefix+name)
	case !slices.Equal(t.Shape, shape):
		l.err = fmt.Errorf("%s has the shape %v, the configuration says %v", l.prefix+name, t.Shape, shape)
	case kernelType(t.Type) == kernel.F32 && t.Type != safetensors.F32:
		l.err = fmt.Errorf("%s has the type %s: F32, F16 and BF16 can be used", l.prefix+name, t.Type)
	default:
		return t
	}
	return nil
}

// vector returns n floats.
func (l *loader) vector(name string, n int) []float32 { return l.floats(name, n) }

// floats returns a tensor's elements as floats.
func (l *loader) floats(name string, shape ...int) []float32 {
	t := l.tensor(name, shape...)
	if t == nil {
		return nil
	}
	x, err := t.Floats()
	l.note(err)
	return x
}

// linear is a matrix with its bias.
type linear struct {
	w    *kernel.Matrix
	bias []float32
}

// linear returns the layer name with its weight of out×in elements, packed in the type
// it has in the file.
func (l *loader) linear(name string, out, in int) linear {
	t := l.tensor(name+".weight", out, in)
	bias := l.vector(name+".bias", out)
	if l.err != nil {
		return linear{}
	}
	raw, err := t.Bytes()
	if err != nil {
		l.note(err)
		return linear{}
	}
	w, err := l.compute.Pack(kernelType(t.Type), out, in, raw)
	l.note(err)
	return linear{w, bias}
}

// norm is the weight and bias of a layer normalisation.
type norm struct{ weight, bias []float32 }

// norm returns a normalisation; files converted from TensorFlow call its parts gamma
// and beta.
func (l *loader) norm(name string, n int) norm {
	if l.set.Tensor(l.prefix+name+".weight") == nil && l.set.Tensor(l.prefix+name+".gamma") != nil {
		return norm{l.vector(name+".gamma", n), l.vector(name+".beta", n)}
	}
	return norm{l.vector(name+".weight", n), l.vector(name+".bias", n)}
}

func (l *loader) note(err error) {
	if l.err == nil {
		l.err = err
	}
}

// kernelType returns the kernels' name of a type, F32 for what has none.
func kernelType(t safetensors.DType) kernel.Type {
	switch t {
	case safetensors.F16:
		return kernel.F16
	case safetensors.BF16:
		return kernel.BF16
	default:
		return kernel.F32
	}
}
