package kernel

// pause tells the core that it is in a polling loop.
//
//go:noescape
func pause()

// best returns the fastest micro kernels that this machine can run.
func best() *routines {
	return plain()
}
