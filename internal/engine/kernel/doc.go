// Package kernel is the arithmetic of the embedded engine.
package kernel
