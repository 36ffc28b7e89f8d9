package object

import (
	"crypto/md5"  //nolint:gosec // ETags and Content-MD5 are defined as MD5
	"crypto/sha1" //nolint:gosec // one of the checksums that S3 offers
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"strconv"
	"strings"
	"sync"
)

// Algorithm names a checksum as S3 does: "CRC32C". Empty: none.
type Algorithm string

// The algorithms.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME"
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
)

// Types of checksums: of the whole object, or of its parts' checksums.
const (
	FullObject = "FULL_OBJECT"
	Composite  = "COMPOSITE"
)

// Checksum is a checksum with what it is of. The zero value is none.
type Checksum struct {
	Algorithm Algorithm `json:"algorithm,omitempty"`
	Type      string    `json:"type,omitempty"`  // FullObject or Composite
	Value     string    `json:"value,omitempty"` // base64; of a composite one followed by "-" and the number of parts
}

// Algorithms returns all of them.
func Algorithms() []Algorithm { return []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256} }

// Known reports whether a is one of the algorithms.
func (a Algorithm) Known() bool { return a.Size() > 0 }

// Size returns the bytes of a sum, 0 of an algorithm that is not known.
func (a Algorithm) Size() int {
	switch a {
	case CRC32, CRC32C:
		return crc32.Size
	case CRC64NVME:
		return crc64.Size
	case SHA1:
		return sha1.Size
	case SHA256:
		return sha256.Size
	default:
		return 0
	}
}

// Combines reports whether the checksum of a whole follows from those of its parts.
func (a Algorithm) Combines() bool { return a == CRC32 || a == CRC32C || a == CRC64NVME }

// nvmePoly is the polynomial of CRC-64/NVME, reflected.
const nvmePoly = 0x9a6c9329ac4bc9b5

// nvmeTable is made once: it takes 2 KiB and some microseconds.
var nvmeTable = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(nvmePoly) })

// New returns a hash of the algorithm, nil of one that is not known.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case CRC64NVME:
		return crc64.New(nvmeTable())
	case SHA1:
		return sha1.New() //nolint:gosec // see the import
	case SHA256:
		return sha256.New()
	default:
		return nil
	}
}

// Valid reports whether value may be a sum of the algorithm in base64.
func (a Algorithm) Valid(value string) bool {
	b, err := base64.StdEncoding.DecodeString(value)
	return err == nil && len(b) == a.Size()
}

// Meter is a reader that computes the sums of what is read through it. At the end of the
// body it asks the check, whose error takes the place of io.EOF.
type Meter struct {
	body  io.Reader
	o     *PutOptions
	alg   Algorithm
	md5   hash.Hash
	sum   hash.Hash
	size  int64
	limit int64
	err   error
}

// NewMeter returns a reader of body that holds it to the options' Size and Check.
func NewMeter(body io.Reader, o *PutOptions) *Meter {
	m := &Meter{body: body, o: o, alg: o.Checksum, md5: md5.New(), limit: MaxPut} //nolint:gosec // see the import
	if !m.alg.Known() {
		m.alg = CRC64NVME
	}
	if o.Size > 0 {
		m.limit = min(o.Size, MaxPut)
	}
	m.sum = m.alg.New()
	return m
}

// Read implements io.Reader.
func (m *Meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.body.Read(p)
	m.size += int64(n)
	if m.size > m.limit {
		m.err = Errorf(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
		return 0, m.err
	}
	m.md5.Write(p[:n])
	m.sum.Write(p[:n])
	if err == io.EOF { //nolint:errorlint // as readers return it
		err = m.end()
	}
	m.err = err
	return n, err
}

// Err returns what ended the body early, nil of one that goes on or that was whole.
func (m *Meter) Err() error {
	if m.err == io.EOF { //nolint:errorlint // as readers return it
		return nil
	}
	return m.err
}

// end is called at the end of the body and returns io.EOF if all is well.
func (m *Meter) end() error {
	if m.o.Size > 0 && m.size != m.o.Size {
		return Errorf(IncompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	if m.o.Check != nil {
		if err := m.o.Check(m.Sums()); err != nil {
			return err
		}
	}
	return io.EOF
}

// Sums returns the sums of what was read until now.
func (m *Meter) Sums() Sums {
	s := Sums{Size: m.size, Checksum: Checksum{
		Algorithm: m.alg, Type: FullObject, Value: base64.StdEncoding.EncodeToString(m.sum.Sum(nil)),
	}}
	m.md5.Sum(s.MD5[:0])
	return s
}

// CompositeOf returns the checksum of parts' checksums, in S3's form. All must have a
// value of the algorithm; else the result is the zero value.
func CompositeOf(alg Algorithm, parts []Part) Checksum {
	h := alg.New()
	for _, p := range parts {
		b, err := base64.StdEncoding.DecodeString(p.Checksum.Value)
		if err != nil || len(b) != alg.Size() || p.Checksum.Algorithm != alg {
			return Checksum{}
		}
		h.Write(b)
	}
	return Checksum{Algorithm: alg, Type: Composite, Value: base64.StdEncoding.EncodeToString(h.Sum(nil)) + "-" + strconv.Itoa(len(parts))}
}

// WholeOf returns the checksum of a whole that follows from those of its parts, of an
// algorithm that combines. All must have a value of it; else the result is the zero value.
func WholeOf(alg Algorithm, parts []Part) Checksum {
	var whole uint64
	bits := 8 * alg.Size()
	poly := map[Algorithm]uint64{CRC32: crc32.IEEE, CRC32C: crc32.Castagnoli, CRC64NVME: nvmePoly}[alg]
	for i, p := range parts {
		b, err := base64.StdEncoding.DecodeString(p.Checksum.Value)
		if err != nil || len(b) != alg.Size() || p.Checksum.Algorithm != alg || poly == 0 {
			return Checksum{}
		}
		var crc uint64
		for _, c := range b {
			crc = crc<<8 | uint64(c)
		}
		if i == 0 {
			whole = crc
			continue
		}
		whole = shiftCRC(whole, p.Size, poly, bits) ^ crc
	}
	b := make([]byte, alg.Size())
	for i := range b {
		b[i] = byte(whole >> (bits - 8*(i+1))) //nolint:gosec // the lowest eight bits are meant
	}
	return Checksum{Algorithm: alg, Type: FullObject, Value: base64.StdEncoding.EncodeToString(b)}
}

// shiftCRC returns what a CRC becomes after n more bytes of zeros, without the
// conditioning at both ends. A zero bit is a linear map over GF(2), so n bytes are a power
// of it, found by squaring; as in zlib's crc32_combine.
func shiftCRC(crc uint64, n int64, poly uint64, bits int) uint64 {
	var m [64]uint64 // m[i] is what bit i becomes
	m[0] = poly
	for i := 1; i < bits; i++ {
		m[i] = 1 << (i - 1)
	}
	apply := func(v uint64) (out uint64) {
		for i := 0; v != 0; i, v = i+1, v>>1 {
			if v&1 != 0 {
				out ^= m[i]
			}
		}
		return out
	}
	square := func() {
		var sq [64]uint64
		for i := range bits {
			sq[i] = apply(m[i])
		}
		m = sq
	}
	for range 3 { // from a bit to a byte
		square()
	}
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			crc = apply(crc)
		}
		square()
	}
	return crc
}

// PartsETag returns the ETag of an object in parts, from the parts' ETags.
func PartsETag(parts []Part) string {
	h := md5.New() //nolint:gosec // see the import
	for _, p := range parts {
		b := make([]byte, 0, md5.Size)
		for i := 0; i+1 < len(p.ETag); i += 2 {
			v, err := strconv.ParseUint(p.ETag[i:i+2], 16, 8)
			if err != nil {
				break
			}
			b = append(b, byte(v))
		}
		h.Write(b)
	}
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range h.Sum(nil) {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String() + "-" + strconv.Itoa(len(parts))
}
