package config

import (
	"encoding/base64"
	"fmt"
)

// Secret is a key of 32 bytes, written in base64. It prints as nothing.
type Secret string

// secretSize is the bytes of a Secret.
const secretSize = 32

// String hides the secret from logs.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(hidden)"
}

// GoString hides it there, too.
func (s Secret) GoString() string { return s.String() }

// Bytes returns the key; nil when there is none.
func (s Secret) Bytes() ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	key, err := base64.StdEncoding.DecodeString(string(s))
	if err != nil || len(key) != secretSize {
		return nil, fmt.Errorf("needs %d bytes in base64, such as `openssl rand -base64 %d` prints", secretSize, secretSize)
	}
	return key, nil
}
