package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/outcrop-ai/outcrop/internal/fault"
	"github.com/outcrop-ai/outcrop/internal/llm"
)

// A record in a segment is a version byte and then fields: a byte that names the
// field and says whether a zigzag varint or a length and that many bytes follow.
// Zero values are left out. Unknown fields are passed over, so that an older
// program reads what a newer one wrote.
const version = 1

// What the codec keeps of foreign text, which Bedrock itself limits more.
const (
	maxText         = 4096
	maxMetadata     = 64
	maxMetadataText = 1024
)

var errRecord = errors.New("ledger: not a record")

// field names a field of a stored record. The numbers are stored: they are never
// changed or used again. Even ones are numbers, odd ones are bytes.
type field byte

const (
	fieldTime         field = 2
	fieldAttempts     field = 4
	fieldStatus       field = 6
	fieldErrorKind    field = 8
	fieldLatency      field = 10
	fieldFirstToken   field = 12
	fieldInput        field = 14
	fieldOutput       field = 16
	fieldCacheRead    field = 18
	fieldCacheWrite   field = 20
	fieldImages       field = 22
	fieldCost         field = 24
	fieldFlags        field = 26
	fieldCompleteness field = 28

	fieldRequestID     field = 1
	fieldAccount       field = 3
	fieldRegion        field = 5
	fieldPrincipal     field = 7
	fieldAccessKeyID   field = 9
	fieldService       field = 11
	fieldOperation     field = 13
	fieldModel         field = 15
	fieldModelID       field = 17
	fieldProfile       field = 19
	fieldBackend       field = 21
	fieldUpstreamModel field = 23
	fieldFidelity      field = 25
	fieldErrorCode     field = 27
	fieldErrorMessage  field = 29
	fieldMetadata      field = 31 // once per label: the key's length, the key, the value
)

const (
	flagEstimated = 1 << iota
	flagStream
)

func (r *Record) flags() (flags int64) {
	if r.Estimated {
		flags |= flagEstimated
	}
	if r.Stream {
		flags |= flagStream
	}
	return flags
}

// encode appends the record to dst. Text that is too long is cut, and labels
// beyond the limit are left out.
func (r *Record) encode(dst []byte) []byte {
	dst = append(dst, version)
	if !r.Time.IsZero() { // else its number has no meaning
		dst = appendInt(dst, fieldTime, r.Time.UnixNano())
	}
	dst = appendText(dst, fieldRequestID, r.RequestID)
	dst = appendText(dst, fieldAccount, r.Account)
	dst = appendText(dst, fieldRegion, r.Region)
	dst = appendText(dst, fieldPrincipal, r.Principal)
	dst = appendText(dst, fieldAccessKeyID, r.AccessKeyID)
	dst = appendText(dst, fieldService, r.Service)
	dst = appendText(dst, fieldOperation, r.Operation)
	dst = appendText(dst, fieldModel, r.Model)
	dst = appendText(dst, fieldModelID, r.ModelID)
	dst = appendText(dst, fieldProfile, r.InferenceProfile)
	dst = appendText(dst, fieldBackend, r.Backend)
	dst = appendText(dst, fieldUpstreamModel, r.UpstreamModel)
	dst = appendText(dst, fieldFidelity, string(r.Fidelity))
	dst = appendInt(dst, fieldAttempts, int64(r.Attempts))
	dst = appendInt(dst, fieldStatus, int64(r.Status))
	dst = appendText(dst, fieldErrorCode, r.ErrorCode)
	dst = appendInt(dst, fieldErrorKind, int64(r.ErrorKind))
	dst = appendText(dst, fieldErrorMessage, r.ErrorMessage)
	dst = appendInt(dst, fieldLatency, int64(r.Latency))
	dst = appendInt(dst, fieldFirstToken, int64(r.FirstToken))
	dst = appendInt(dst, fieldInput, int64(r.InputTokens))
	dst = appendInt(dst, fieldOutput, int64(r.OutputTokens))
	dst = appendInt(dst, fieldCacheRead, int64(r.CacheReadTokens))
	dst = appendInt(dst, fieldCacheWrite, int64(r.CacheWriteTokens))
	dst = appendInt(dst, fieldImages, int64(r.OutputImages))
	dst = appendInt(dst, fieldCost, r.CostNanoUSD)
	dst = appendInt(dst, fieldFlags, r.flags())
	dst = appendInt(dst, fieldCompleteness, int64(r.Completeness))
	return appendMetadata(dst, r.Metadata)
}

func appendInt(dst []byte, f field, v int64) []byte {
	if v == 0 {
		return dst
	}
	return binary.AppendVarint(append(dst, byte(f)), v)
}

func appendText(dst []byte, f field, s string) []byte {
	if s == "" {
		return dst
	}
	s = cut(s, maxText)
	dst = binary.AppendUvarint(append(dst, byte(f)), uint64(len(s)))
	return append(dst, s...)
}

func appendMetadata(dst []byte, labels map[string]string) []byte {
	left := maxMetadata
	var size [binary.MaxVarintLen64]byte
	for k, v := range labels {
		if left--; left < 0 {
			break
		}
		k, v = cut(k, maxMetadataText), cut(v, maxMetadataText)
		n := binary.PutUvarint(size[:], uint64(len(k)))
		dst = binary.AppendUvarint(append(dst, byte(fieldMetadata)), uint64(n+len(k)+len(v))) //nolint:gosec // lengths
		dst = append(dst, size[:n]...)
		dst = append(dst, k...)
		dst = append(dst, v...)
	}
	return dst
}

// cut shortens s to at most n bytes without cutting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// decoder reads records. It hands out the same string for the same text, as most
// texts of a ledger repeat. It is not safe for concurrent use.
type decoder struct {
	known map[string]string
}

// maxKnown bounds the decoder's memory.
const maxKnown = 4096

// decode reads a record that encode wrote. Nothing of r refers to data.
func (d *decoder) decode(data []byte) (r Record, err error) {
	if len(data) == 0 || data[0] != version {
		return Record{}, errRecord
	}
	data = data[1:]
	for len(data) > 0 {
		f := field(data[0])
		data = data[1:]
		if f&1 == 0 {
			v, n := binary.Varint(data)
			if n <= 0 {
				return Record{}, fmt.Errorf("%w: field %d", errRecord, f)
			}
			data = data[n:]
			r.setInt(f, v)
			continue
		}
		text, rest, ok := takeBytes(data)
		if !ok {
			return Record{}, fmt.Errorf("%w: field %d", errRecord, f)
		}
		data = rest
		if err := d.setText(&r, f, text); err != nil {
			return Record{}, err
		}
	}
	return r, nil
}

// takeBytes splits a length and that many bytes off data.
func takeBytes(data []byte) (text, rest []byte, ok bool) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) { //nolint:gosec // n is not more than len(data)
		return nil, nil, false
	}
	end := n + int(size) //nolint:gosec // not more than len(data)
	return data[n:end], data[end:], true
}

func (r *Record) setInt(f field, v int64) {
	switch f {
	case fieldTime:
		r.Time = time.Unix(0, v).UTC()
	case fieldAttempts:
		r.Attempts = int(v)
	case fieldStatus:
		r.Status = int(v)
	case fieldErrorKind:
		r.ErrorKind = fault.Kind(v) //nolint:gosec // written from a Kind
	case fieldLatency:
		r.Latency = time.Duration(v)
	case fieldFirstToken:
		r.FirstToken = time.Duration(v)
	case fieldInput:
		r.InputTokens = int(v)
	case fieldOutput:
		r.OutputTokens = int(v)
	case fieldCacheRead:
		r.CacheReadTokens = int(v)
	case fieldCacheWrite:
		r.CacheWriteTokens = int(v)
	case fieldImages:
		r.OutputImages = int(v)
	case fieldCost:
		r.CostNanoUSD = v
	case fieldFlags:
		r.Estimated, r.Stream = v&flagEstimated != 0, v&flagStream != 0
	case fieldCompleteness:
		r.Completeness = Completeness(v) //nolint:gosec // written from a Completeness
	default: // a newer program's field
	}
}

func (d *decoder) setText(r *Record, f field, text []byte) error {
	switch f {
	case fieldRequestID:
		r.RequestID = string(text)
	case fieldAccount:
		r.Account = d.text(text)
	case fieldRegion:
		r.Region = d.text(text)
	case fieldPrincipal:
		r.Principal = d.text(text)
	case fieldAccessKeyID:
		r.AccessKeyID = d.text(text)
	case fieldService:
		r.Service = d.text(text)
	case fieldOperation:
		r.Operation = d.text(text)
	case fieldModel:
		r.Model = d.text(text)
	case fieldModelID:
		r.ModelID = d.text(text)
	case fieldProfile:
		r.InferenceProfile = d.text(text)
	case fieldBackend:
		r.Backend = d.text(text)
	case fieldUpstreamModel:
		r.UpstreamModel = d.text(text)
	case fieldFidelity:
		r.Fidelity = llm.Fidelity(d.text(text))
	case fieldErrorCode:
		r.ErrorCode = d.text(text)
	case fieldErrorMessage:
		r.ErrorMessage = d.text(text)
	case fieldMetadata:
		key, value, ok := takeBytes(text)
		if !ok {
			return fmt.Errorf("%w: label", errRecord)
		}
		if r.Metadata == nil {
			r.Metadata = make(map[string]string)
		}
		r.Metadata[d.text(key)] = d.text(value)
	default: // a newer program's field
	}
	return nil
}

// text returns text as a string that is shared with other records.
func (d *decoder) text(text []byte) string {
	if s, ok := d.known[string(text)]; ok {
		return s
	}
	if len(d.known) >= maxKnown {
		clear(d.known)
	}
	if d.known == nil {
		d.known = make(map[string]string)
	}
	s := string(text)
	d.known[s] = s
	return s
}
