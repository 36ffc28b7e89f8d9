package upstream

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseBase reads a base URL and takes the credentials out of it.
func parseBase(raw string) (*url.URL, *url.Userinfo, error) {
	if raw == "" {
		return nil, nil, errors.New("is required")
	}
	u, err := url.Parse(raw)
	if err != nil {
		// url.Error quotes its input, which may hold a password.
		return nil, nil, errors.New("is not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, nil, fmt.Errorf("want http://host… or https://host…, got %q", u.Redacted())
	}
	user := u.User
	u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
	u.ForceQuery = false
	u = u.JoinPath("/") // cleans the path; "/" makes an empty one absolute
	return u, user, nil
}

func basicAuth(u *url.Userinfo) string {
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}

// secretsOf lists the texts that must not appear in messages: what the caller
// named, the password of the address and the values of credential headers.
func secretsOf(cfg Config, user *url.Userinfo) []string {
	secrets := append([]string(nil), cfg.Secrets...)
	if user != nil {
		if password, ok := user.Password(); ok {
			secrets = append(secrets, password)
		}
		secrets = append(secrets, strings.TrimPrefix(basicAuth(user), "Basic "))
	}
	for k, vs := range cfg.Header {
		if !credentialHeader.MatchString(k) {
			continue
		}
		for _, v := range vs {
			secrets = append(secrets, v, strings.TrimPrefix(v, "Bearer "))
		}
	}
	return secrets
}

var credentialHeader = regexp.MustCompile(`(?i)auth|key|token|secret|cookie`)

const redactedMark = "[redacted]"

// scrubber replaces the secrets. Very short ones are left out: cutting them would
// mangle every message and they protect nothing.
func scrubber(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 4 {
			pairs = append(pairs, s, redactedMark)
		}
	}
	return strings.NewReplacer(pairs...)
}

// What looks like a credential, whoever's it is: keys in the providers' forms, a
// bearer token, user and password in an address, a key in a query string.
var credentialForms = []*regexp.Regexp{
	regexp.MustCompile(`\b(?:sk|pk|gsk|xai|hf|key)[-_][A-Za-z0-9_*.\-]{6,}`),
	regexp.MustCompile(`(?i)\bbearer\s+[A-Za-z0-9._~+/=\-]{6,}`),
	regexp.MustCompile(`(?i)[?&](?:api[-_]?key|key|token|access[-_]token|secret|signature)=[^&\s"']+`),
}

var addressCredentials = regexp.MustCompile(`(://)[^/\s@"']+@`)

// maxMessage is the length in bytes after which a provider's message is cut.
const maxMessage = 1000

// Safe makes a provider's message fit to be shown: without secrets, on one line,
// valid UTF-8, of a bounded length.
func (c *Client) Safe(message string) string {
	if len(message) > 4*maxMessage {
		message = message[:4*maxMessage]
	}
	message = c.scrub.Replace(strings.ToValidUTF8(message, "\uFFFD"))
	for _, form := range credentialForms {
		message = form.ReplaceAllString(message, redactedMark)
	}
	message = addressCredentials.ReplaceAllString(message, "$1"+redactedMark+"@")
	message = strings.Join(strings.FieldsFunc(message, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(message) > maxMessage {
		cut := maxMessage
		for !utf8.RuneStart(message[cut]) {
			cut--
		}
		message = message[:cut] + "…"
	}
	return message
}

// cause keeps what the provider said for the logs.
func (c *Client) cause(p Problem) error {
	var parts []string
	if p.Status != 0 {
		parts = append(parts, fmt.Sprintf("HTTP %d", p.Status))
	}
	for _, part := range []string{p.Type, p.Code, p.Message} {
		if part != "" {
			parts = append(parts, c.Safe(part))
		}
	}
	return errors.New(strings.Join(parts, ": "))
}

// redactedError shows a cleaned text and keeps the tree for errors.Is.
type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }

func (c *Client) redacted(err error) error {
	return &redactedError{text: c.Safe(err.Error()), err: err}
}
