package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"sync"
)

// maxDerived bounds the cache. A key is derived per access key, day, region and service,
// so a thousand covers more than two hundred busy access keys.
const maxDerived = 1024

// keyCache remembers derived signing keys: deriving one takes four HMACs.
type keyCache struct {
	mu   sync.RWMutex
	keys map[credentialScope]derivedKey
}

type derivedKey struct {
	secret string // what it was derived from: an access key ID may get another secret
	key    [sha256.Size]byte
}

// get returns the signing key of cred for scope. Callers have checked that the scope is
// one this server accepts, so strangers cannot fill the cache.
func (k *keyCache) get(cred *Credential, scope credentialScope) [sha256.Size]byte {
	k.mu.RLock()
	d, ok := k.keys[scope]
	k.mu.RUnlock()
	if ok && d.secret == cred.Secret {
		return d.key
	}
	d = derivedKey{secret: cred.Secret, key: derive(cred.Secret, scope)}
	// The scope's strings are parts of the request's headers: do not keep those alive.
	scope = credentialScope{
		AccessKeyID: strings.Clone(scope.AccessKeyID),
		Date:        strings.Clone(scope.Date),
		Region:      strings.Clone(scope.Region),
		Service:     strings.Clone(scope.Service),
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil || len(k.keys) >= maxDerived {
		k.keys = make(map[credentialScope]derivedKey) // mostly yesterday's; the rest is derived again
	}
	k.keys[scope] = d
	return d.key
}

func derive(secret string, scope credentialScope) (key [sha256.Size]byte) {
	k := []byte("AWS4" + secret)
	for _, s := range []string{scope.Date, scope.Region, scope.Service, terminator} {
		mac := hmac.New(sha256.New, k)
		mac.Write([]byte(s))
		k = mac.Sum(nil)
	}
	copy(key[:], k)
	return key
}
