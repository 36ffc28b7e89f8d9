package wire

const (
	// maxModelBody is what Bedrock documents for InvokeModel, and what its other
	// operations with prompts take.
	maxModelBody = 25 << 20
	// maxIngestBody is the limit of direct ingestion into a knowledge base.
	maxIngestBody = 6 << 20
	// maxLogBody is a batch of log events as JSON: 1 MiB of text, escaped.
	maxLogBody  = 4 << 20
	defaultBody = 1 << 20
)

// defaultLimits returns the limit of an operation's request body.
func defaultLimits(service, operation string) int64 {
	switch service {
	case "bedrock-runtime", "bedrock-agent-runtime":
		return maxModelBody
	case "bedrock-agent":
		if operation == "IngestKnowledgeBaseDocuments" {
			return maxIngestBody
		}
	case "logs":
		return maxLogBody
	}
	return defaultBody
}

// limit returns the limit that the configuration or the default gives.
func (c *Config) limit(service, operation string) int64 {
	for _, key := range []string{service + "." + operation, service, ""} {
		if n, ok := c.BodyLimits[key]; ok {
			return n
		}
	}
	return defaultLimits(service, operation)
}
