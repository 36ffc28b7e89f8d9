package anthropic

import (
	"encoding/json"

	"github.com/outcrop-ai/outcrop/internal/llm"
)

// Versions of the API. In the direct form the version is the anthropic-version header,
// in the Bedrock form the member "anthropic_version", where the first has a name of its
// own.
const (
	Version2023    = "2023-06-01"
	Version2026    = "2026-10-21"
	BedrockVersion = "bedrock-2023-05-31" // Version2023 in the Bedrock form
)

// bodyVersion returns how the Bedrock form writes a version.
func bodyVersion(version string) string {
	if version == Version2026 {
		return Version2026
	}
	return BedrockVersion
}

// parseBodyVersion is the other way.
func parseBodyVersion(value json.RawMessage) (string, error) {
	p := path("anthropic_version")
	var version string
	if err := p.decode(value, &version); err != nil {
		return "", err
	}
	switch version {
	case BedrockVersion:
		return Version2023, nil
	case Version2026:
		return Version2026, nil
	}
	return "", p.errorf("Input should be '%s' or '%s'", BedrockVersion, Version2026)
}

// readVersion finds out which version the body is written in and refuses the members
// that this version no longer has. Bedrock itself offers Version2026 for Claude 4.7 and
// later; here any model has it, because both of Anthropic's SDKs ask for it by default.
func (d *requestDecoder) readVersion(body json.RawMessage) (err error) {
	switch given := len(body) > 0; {
	case d.form == Bedrock && !given:
		return path("anthropic_version").required()
	case d.form == Bedrock:
		if d.version, err = parseBodyVersion(body); err != nil {
			return err
		}
	case given:
		return path("anthropic_version").errorf("Extra inputs are not permitted")
	case d.version == "":
		return path("anthropic-version").errorf("header is required")
	case d.version != Version2023 && d.version != Version2026:
		return path("anthropic-version").errorf("%q is not a valid version: there are '%s' and '%s'", d.version, Version2023, Version2026)
	}
	d.req.Raw.Version = d.version
	if d.version == Version2023 {
		return nil
	}
	for _, key := range []string{"temperature", "top_p", "top_k"} {
		if _, sent := d.seen[key]; sent { // even with its default, or null
			return path(key).errorf("Extra inputs are not permitted")
		}
	}
	return nil
}

// rules say what a version refuses among the blocks of a content.
type rules uint8

const (
	noDocuments    rules = 1 << iota // a document
	noCitations                      // a text with citations
	noCitedSources                   // a search result whose texts have citations
)

// rulesFor returns the rules for the turns of one side. 2026-10-21 refuses what only
// ever made sense the other way round: documents that the model has written, and
// citations that the user has.
func rulesFor(version string, role llm.Role) rules {
	switch {
	case version != Version2026:
		return 0
	case role == llm.Assistant:
		return noDocuments
	case role == llm.User:
		return noCitations | noCitedSources
	default:
		return 0
	}
}

// insideResult returns the rules inside a tool result.
func (r rules) insideResult() rules { return r & noCitedSources }

// insideSource returns the rules inside a search result.
func (r rules) insideSource() rules {
	if r&noCitedSources != 0 {
		return noCitations
	}
	return 0
}
