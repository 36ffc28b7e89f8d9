// Command tiny writes the little GGUF model of the engine's tests to a file, for tests
// that run outside this module:
//
//	go run ./internal/engine/enginetest/tiny FILE
package main

import (
	"fmt"
	"os"

	"github.com/outcrop-ai/outcrop/internal/engine/enginetest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tiny FILE")
		os.Exit(2)
	}
	if err := (enginetest.Tiny{}).Write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "tiny:", err)
		os.Exit(1)
	}
}
