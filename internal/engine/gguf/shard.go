package gguf

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
)

// The keys of a split model.
const (
	keySplitNo      = "split.no"
	keySplitCount   = "split.count"
	keySplitTensors = "split.tensors.count"
)

// maxShards bounds a split model; the largest in use have some fifty.
const maxShards = 1 << 10

var shardName = regexp.MustCompile(`^(.+)-(\d{5})-of-(\d{5})\.gguf$`)

// Shards returns the paths of all files of the model that path names, in their order:
// path itself when its name is not one of several. It doesn't look whether they are
// there.
func Shards(path string) []string {
	m := shardName.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return []string{path}
	}
	n, err := strconv.Atoi(m[3])
	if err != nil || n < 1 || n > maxShards {
		return []string{path}
	}
	list := make([]string, n)
	for i := range list {
		list[i] = filepath.Join(filepath.Dir(path), fmt.Sprintf("%s-%05d-of-%05d.gguf", m[1], i+1, n))
	}
	return list
}

// belongs checks that a header is that of shard i of n.
func (h *header) belongs(i, n int) error {
	count, _ := h.values[keySplitCount].integer()
	own, ok := h.values[keySplitNo].integer()
	if count != int64(n) || !ok || own != int64(i) {
		return fmt.Errorf("the file says that it is shard %d of %d, its name %d of %d", own+1, count, i+1, n)
	}
	return nil
}
