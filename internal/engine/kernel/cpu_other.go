//go:build !amd64 && !arm64

package kernel

// pause would tell the core that it is in a polling loop, if we knew how.
func pause() {}

// best returns the fastest micro kernels that this machine can run.
func best() *routines { return plain() }
