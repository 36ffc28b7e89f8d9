package config

import (
	"encoding/base64"
	"fmt"
)

// Secret is a text that prints as nothing. A master key is one of 32 bytes in base64.
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

// Bytes returns the master key; nil when there is none.
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
