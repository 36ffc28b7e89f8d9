package pdfium

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed" // the sandboxed program
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/emscripten"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// packed is pdfium.wasm of the npm package @hyzyla/pdfium (see NOTICE), compressed.
//
//go:embed pdfium.wasm.gz
var packed []byte

// maxProgram is more than the program takes once unpacked.
const maxProgram = 16 << 20

// sandbox is PDFium compiled. It keeps nothing of what it has read.
type sandbox struct {
	runtime wazero.Runtime
	program wazero.CompiledModule
	slots   chan struct{}
}

// shared is the process's sandbox. Compiling takes seconds and its result is
// constant, so it belongs to no request and is never closed.
var shared = sync.OnceValues(func() (*sandbox, error) { return compile(context.Background()) })

func compile(ctx context.Context) (*sandbox, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	code, err := io.ReadAll(io.LimitReader(r, maxProgram))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	ctx = experimental.WithCompilationWorkers(ctx, min(runtime.GOMAXPROCS(0), 4))
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithMemoryLimitPages(maxMemory).WithCloseOnContextDone(true).WithDebugInfoEnabled(false))
	program, err := rt.CompileModule(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		return nil, err
	}
	if err := addHost(ctx, rt, program); err != nil {
		return nil, err
	}
	return &sandbox{runtime: rt, program: program, slots: make(chan struct{}, maxAtOnce)}, nil
}

// addHost gives the program what its C library asks of its host: calls through the
// function table, memory, and refusals for everything else.
func addHost(ctx context.Context, rt wazero.Runtime, program wazero.CompiledModule) error {
	env := rt.NewHostModuleBuilder("env")
	invoke, err := emscripten.NewFunctionExporterForModule(program)
	if err != nil {
		return err
	}
	for _, f := range program.ImportedFunctions() {
		module, name, _ := f.Import()
		if module != "env" || strings.HasPrefix(name, "invoke_") || name == "_emscripten_throw_longjmp" {
			continue
		}
		env.NewFunctionBuilder().WithGoModuleFunction(hostFunc(name, len(f.ResultTypes())), f.ParamTypes(), f.ResultTypes()).Export(name)
	}
	invoke.ExportFunctions(env)
	_, err = env.Instantiate(ctx)
	return err
}

func hostFunc(name string, results int) api.GoModuleFunc {
	const (
		noSys    = -52 // ENOSYS of this C library
		pageSize = 1 << 16
	)
	switch {
	case name == "emscripten_resize_heap":
		return func(_ context.Context, m api.Module, stack []uint64) {
			mem, want := m.Memory(), api.DecodeU32(stack[0])
			stack[0] = 0
			if have := mem.Size(); want > have {
				if _, ok := mem.Grow((want - have + pageSize - 1) / pageSize); ok {
					stack[0] = 1
				}
			}
		}
	case strings.HasPrefix(name, "__syscall_"):
		return func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = api.EncodeI32(noSys) }
	default: // the time is always zero; after an abort the program traps by itself
		return func(_ context.Context, _ api.Module, stack []uint64) { clear(stack[:results]) }
	}
}
