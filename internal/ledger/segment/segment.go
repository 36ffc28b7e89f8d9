// Package segment keeps byte strings in append-only files that survive the death
// of the process which writes them.
//
// A segment is a sequence of frames and nothing else: there is no header that
// could be lost and nothing is ever written twice. A frame is
//
//	length   uint32, little endian: of the payload, 1 … MaxPayload
//	checksum uint32, little endian: CRC-32C of the length and the payload
//	payload
//
// A frame does not know its segment: a frame that could not be written whole to
// one segment can go to the next as it is.
//
// A writer never continues an old file: every start opens a segment with a new
// number. What a crash tore off is therefore always the end of a file, and
// reading stops at the first frame that does not check: nothing behind it can be
// trusted to be where it claims to be. Readers may read the file that is still
// being written.
//
// The package knows nothing of what the payloads mean.
package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	// MaxPayload is the size of the largest payload.
	MaxPayload = 1 << 20

	header    = 8
	extension = ".seg"
)

// ErrPayload reports a payload that is empty or larger than MaxPayload.
var ErrPayload = errors.New("segment: payload is empty or too large")

// castagnoli is filled once and only read; the hardware computes CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers a frame's length field and payload.
func checksum(length, payload []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, length), castagnoli, payload)
}

// AppendFrame appends payload as a frame to dst.
func AppendFrame(dst, payload []byte) ([]byte, error) {
	if len(payload) == 0 || len(payload) > MaxPayload {
		return dst, ErrPayload
	}
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload))) //nolint:gosec // bounded above
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[at:at+4], payload))
	return append(dst, payload...), nil
}

// split takes the first frame off data. size is the frame's whole length; it is
// zero when data does not start with a good frame, and then torn says that the
// frame could still become good if data went on.
func split(data []byte) (payload []byte, size int, torn bool) {
	if len(data) < header {
		return nil, 0, true
	}
	n := binary.LittleEndian.Uint32(data)
	if n == 0 || n > MaxPayload {
		return nil, 0, false
	}
	end := header + int(n)
	if len(data) < end {
		return nil, 0, true
	}
	payload = data[header:end:end]
	if checksum(data[:4], payload) != binary.LittleEndian.Uint32(data[4:]) {
		return nil, 0, false
	}
	return payload, end, false
}

// Path returns the file of segment id in dir.
func Path(dir string, id int64) string {
	return filepath.Join(dir, fmt.Sprintf("%012d%s", id, extension))
}

// List returns the numbers of the segments in dir, lowest first. Files that are
// not segments are passed over; a missing folder holds none.
func List(dir string) ([]int64, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("segments: %w", err)
	}
	var ids []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		if !ok || len(name) != 12 {
			continue
		}
		if id, err := strconv.ParseInt(name, 10, 64); err == nil && id > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}
