package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// chain is a chunkVerifier whose signatures are hashes over what came before.
type chain struct{ last string }

func (c *chain) sign(kind string, sum [sha256.Size]byte) string {
	next := sha256.Sum256([]byte(kind + c.last + hex.EncodeToString(sum[:])))
	return hex.EncodeToString(next[:])
}

func (c *chain) verify(kind string, sum [sha256.Size]byte, signature string) error {
	if c.last = c.sign(kind, sum); c.last != signature {
		return errSignature
	}
	return nil
}

func (c *chain) VerifyChunk(sum [sha256.Size]byte, signature string) error {
	return c.verify("chunk", sum, signature)
}

func (c *chain) VerifyTrailer(sum [sha256.Size]byte, signature string) error {
	return c.verify("trailer", sum, signature)
}

var errSignature = errors.New("wrong signature")

// encode writes an aws-chunked body.
func encode(chunks []string, trailer string, signed bool) string {
	var c chain
	var b strings.Builder
	for _, data := range append(chunks, "") {
		fmt.Fprintf(&b, "%x", len(data))
		if signed {
			c.last = c.sign("chunk", sha256.Sum256([]byte(data)))
			b.WriteString(";chunk-signature=" + c.last)
		}
		b.WriteString("\r\n" + data)
		if data != "" {
			b.WriteString("\r\n")
		}
	}
	if trailer != "" {
		b.WriteString(trailer + "\r\n")
		if signed {
			b.WriteString("x-amz-trailer-signature:" + c.sign("trailer", sha256.Sum256([]byte(trailer+"\n"))) + "\r\n")
		}
	}
	return b.String() + "\r\n"
}

func decode(text string, signed, trailers bool, want int64, wrap func(io.Reader) io.Reader) (string, *chunked, error) {
	var v chunkVerifier
	if signed {
		v = &chain{}
	}
	c := newChunked(wrap(strings.NewReader(text)), v, trailers, want)
	data, err := io.ReadAll(c)
	return string(data), c, err
}

func whole(r io.Reader) io.Reader { return r }

func TestChunked(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 200_000)
	for _, chunks := range [][]string{nil, {"hello"}, {"a", "bc", "\r\n0\r\n\r\n"}, {big, big, "end"}} {
		for _, trailer := range []string{"", "x-amz-checksum-crc32:AAAAAA=="} {
			for _, signed := range []bool{false, true} {
				text, want := encode(chunks, trailer, signed), strings.Join(chunks, "")
				for name, wrap := range map[string]func(io.Reader) io.Reader{
					"whole": whole, "byte by byte": iotest.OneByteReader, "halves": iotest.HalfReader, "early end": iotest.DataErrReader,
				} {
					got, c, err := decode(text, signed, trailer != "", int64(len(want)), wrap)
					if err != nil || got != want {
						t.Errorf("%d chunks, trailer %q, signed %v, %s: got %d bytes, %v", len(chunks), trailer, signed, name, len(got), err)
					}
					if trailer != "" && c.trailer.Get("x-amz-checksum-crc32") != "AAAAAA==" {
						t.Errorf("got trailer %v", c.trailer)
					}
				}
			}
		}
	}
}

// TestChunkedCut cuts a body at every byte: none of the pieces is taken for a whole.
func TestChunkedCut(t *testing.T) {
	t.Parallel()
	for _, signed := range []bool{false, true} {
		text := encode([]string{"hello", "world"}, "x-amz-checksum-crc32:AAAAAA==", signed)
		for cut := range len(text) {
			if got, _, err := decode(text[:cut], signed, true, 10, whole); err == nil {
				t.Errorf("signed %v, cut at %d of %d: got %q without an error", signed, cut, len(text), got)
			}
		}
		for flip := range len(text) {
			b := []byte(text)
			b[flip] ^= 1
			got, c, err := decode(string(b), signed, true, 10, whole)
			if signed && err == nil && got == "helloworld" && c.trailer.Get("x-amz-checksum-crc32") == "AAAAAA==" {
				continue // nothing that counts: the case of a hex digit of a size, white space
			}
			if signed && err == nil {
				t.Errorf("byte %d flipped: got %q, %v", flip, got, c.trailer)
			}
		}
	}
}

func TestChunkedRefuses(t *testing.T) {
	t.Parallel()
	f := func(name, text string, trailers bool, want int64) {
		t.Helper()
		if got, _, err := decode(text, false, trailers, want, whole); err == nil {
			t.Errorf("%s: got %q without an error", name, got)
		}
	}
	f("nothing", "", false, 0)
	f("no size", "\r\nhello", false, 5)
	f("a negative size", "-5\r\nhello\r\n0\r\n\r\n", false, 5)
	f("a huge size", "fffffffffffffffff\r\nx", false, 5)
	f("more than promised", "5\r\nhello\r\n0\r\n\r\n", false, 4)
	f("less than promised", "5\r\nhello\r\n0\r\n\r\n", false, 6)
	f("a chunk that goes on", "4\r\nhello\r\n0\r\n\r\n", false, 5)
	f("a trailer that was not announced", "0\r\na:b\r\n\r\n", false, 0)
	f("a trailer without a colon", "0\r\nab\r\n\r\n", true, 0)
	f("something behind", "0\r\n\r\nx", false, 0)
	f("a long line", strings.Repeat("0", 5000)+"\r\n\r\n", false, 0)
	f("many trailers", "0\r\n"+strings.Repeat("a:b\r\n", 100)+"\r\n", true, 0)
	if _, _, err := decode("5\r\nhello\r\n0\r\n\r\n", true, false, 5, whole); err == nil {
		t.Error("chunks without signatures were taken")
	}
}

// FuzzChunked: whatever comes, reading ends, yields no more than was promised, and
// comes to the same in one piece and byte by byte.
func FuzzChunked(f *testing.F) {
	f.Add(encode([]string{"hello", "world"}, "x-amz-checksum-crc32:AAAAAA==", false), true, int64(10))
	f.Add(encode([]string{"hello"}, "", false), false, int64(5))
	f.Add("0\r\n\r\n", false, int64(0))
	f.Fuzz(func(t *testing.T, text string, trailers bool, want int64) {
		one, c1, err1 := decode(text, false, trailers, want, whole)
		two, c2, err2 := decode(text, false, trailers, want, iotest.OneByteReader)
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("in one piece %v, byte by byte %v", err1, err2)
		}
		if err1 == nil && (one != two || int64(len(one)) != want || fmt.Sprint(c1.trailer) != fmt.Sprint(c2.trailer)) {
			t.Fatalf("got %q and %q of %d bytes", one, two, want)
		}
	})
}

// FuzzXML: documents of strangers are read or refused.
func FuzzXML(f *testing.F) {
	f.Add([]byte(`<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>`))
	f.Add([]byte(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber><ETag>"x"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>`))
	f.Add([]byte(`<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>`))
	f.Add([]byte(`<!DOCTYPE x [<!ENTITY a "b">]><Delete>&a;</Delete>`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_ = decodeXML(text, new(deleteRequest))
		_ = decodeXML(text, new(completeRequest))
		_ = decodeXML(text, new(tagging))
		_ = decodeXML(text, new(bucketConfiguration))
	})
}

func BenchmarkChunked(b *testing.B) {
	chunk := strings.Repeat("x", 64<<10)
	text := []byte(encode([]string{chunk, chunk, chunk, chunk}, "", true))
	b.SetBytes(4 * 64 << 10)
	b.ReportAllocs()
	for b.Loop() {
		n, err := io.Copy(io.Discard, struct{ io.Reader }{newChunked(bytes.NewReader(text), &chain{}, false, 4*64<<10)})
		if err != nil || n != 4*64<<10 {
			b.Fatal(n, err)
		}
	}
}
