//go:build !amd64 && !arm64

package kernel

// pause would tell the core that it is in a polling loop, if we knew how.
func pause() {}

// available returns the micro kernels that this machine can run.
func available() []*routines { return []*routines{plain()} }
