package main

import (
	"strings"
	"unicode"
)

// initialisms are the words that Go writes in capitals, by their lower-case form.
var initialisms = map[string]string{
	"acl": "ACL", "acls": "ACLs", "api": "API", "apis": "APIs", "arn": "ARN", "arns": "ARNs", "cpu": "CPU", "csv": "CSV",
	"html": "HTML", "http": "HTTP", "https": "HTTPS", "iam": "IAM", "id": "ID", "ids": "IDs", "ip": "IP", "json": "JSON",
	"jsonl": "JSONL", "kms": "KMS", "llm": "LLM", "md": "MD", "mfa": "MFA", "pdf": "PDF", "pii": "PII", "sql": "SQL",
	"ssl": "SSL", "tls": "TLS", "ttl": "TTL", "ui": "UI", "uri": "URI", "uris": "URIs", "url": "URL", "urls": "URLs",
	"vpc": "VPC", "xml": "XML", "aws": "AWS",
}

// goName makes a model's name an exported Go name: modelId is ModelID.
func goName(name string) string {
	var b strings.Builder
	for _, w := range words(name) {
		b.WriteString(goWord(w))
	}
	out := b.String()
	if out == "" || !unicode.IsLetter(rune(out[0])) {
		return "X" + out
	}
	return out
}

func goWord(w string) string {
	if u, ok := initialisms[strings.ToLower(w)]; ok {
		return u
	}
	return strings.ToUpper(w[:1]) + w[1:]
}

// enumName makes a value the end of a constant's name: CREATE_FAILED is
// CreateFailed.
func enumName(value string) string {
	var b strings.Builder
	last := byte('x')
	for _, w := range words(value) {
		if u, ok := initialisms[strings.ToLower(w)]; ok {
			w = u
		} else if strings.ToUpper(w) == w {
			w = w[:1] + strings.ToLower(w[1:])
		} else {
			w = goWord(w)
		}
		if isDigit(last) && isDigit(w[0]) {
			b.WriteByte('_') // 1.5 and 15 are not the same
		}
		b.WriteString(w)
		last = w[len(w)-1]
	}
	return b.String()
}

// words splits a name where its case or an unusual character says so: KMSKeyId is
// KMS, Key, Id. Digits belong to the word before them.
func words(name string) []string {
	var out []string
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r > unicode.MaxASCII || !isAlnum(byte(r&unicode.MaxASCII)) }) {
		start := 0
		for i := 1; i < len(part); i++ {
			up, prevUp := isUpper(part[i]), isUpper(part[i-1])
			nextLow := i+1 < len(part) && isLower(part[i+1])
			plural := nextLow && part[i+1] == 's' && (i+2 == len(part) || isUpper(part[i+2]))
			if up && (!prevUp || nextLow && !plural) {
				out = append(out, part[start:i])
				start = i
			}
		}
		out = append(out, part[start:])
	}
	return out
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlnum(c byte) bool { return isUpper(c) || isLower(c) || isDigit(c) }

// packageName is the Go package of a service: bedrock-runtime is bedrockruntime.
func packageName(service string) string { return strings.ReplaceAll(service, "-", "") }
