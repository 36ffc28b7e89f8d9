package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// model is a service in botocore's format, without its prose.
type model struct {
	Name       string `json:"-"` // as Outcrop calls the service
	Metadata   metadata
	Operations map[string]*operation
	Shapes     map[string]*shape
	Paginators struct {
		Pagination map[string]json.RawMessage
	} `json:"-"`
}

type metadata struct {
	APIVersion         string
	EndpointPrefix     string
	SigningName        string
	ServiceID          string
	JSONVersion        string
	TargetPrefix       string
	XMLNamespace       xmlNamespace
	Protocol           string
	Protocols          []string
	AWSQueryCompatible *struct{} `json:"awsQueryCompatible"`
}

// xmlNamespace is a URI, given as a string or an object.
type xmlNamespace struct {
	URI    string
	Prefix string
}

func (n *xmlNamespace) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &n.URI) == nil {
		return nil
	}
	type plain xmlNamespace
	return json.Unmarshal(data, (*plain)(n))
}

type operation struct {
	Name string
	HTTP struct {
		Method       string
		RequestURI   string
		ResponseCode int
	}
	Input, Output *shapeRef
	Errors        []shapeRef
}

type shapeRef struct {
	Shape string
}

// shape is a shape of any type.
type shape struct {
	Type       string
	Members    members
	Required   []string
	Member     *member // of a list
	Key, Value *member // of a map

	Enum     []string
	Min, Max *json.Number
	Pattern  string

	Union, Document, Streaming, EventStream, Exception, Fault bool
	Sensitive, Flattened, Sparse                              bool

	Error *struct {
		Code           string
		HTTPStatusCode int
	}
	Payload         string // the member that is the body
	TimestampFormat string
	LocationName    string
}

type member struct {
	Name            string `json:"-"`
	Shape           string
	Location        string
	LocationName    string
	TimestampFormat string

	IdempotencyToken, JSONValue, Flattened, XMLAttribute bool
	EventHeader, EventPayload, HostLabel                 bool
	XMLNamespace                                         *xmlNamespace
}

// members keeps the order of the model.
type members []*member

func (m *members) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("member name %v is no string", key)
		}
		mem := &member{Name: name}
		if err := dec.Decode(mem); err != nil {
			return err
		}
		*m = append(*m, mem)
	}
	return nil
}

// children returns the members of any kind of shape, a list's and a map's by the
// names that Smithy gives them.
func (s *shape) children() []*member {
	if s.Member != nil {
		s.Member.Name = "member"
		return []*member{s.Member}
	}
	if s.Key != nil {
		s.Key.Name, s.Value.Name = "key", "value"
		return []*member{s.Key, s.Value}
	}
	return s.Members
}
