// Package smithy describes the shapes of AWS APIs as data, and the two interfaces
// through which a shape and a protocol meet.
//
// Generated types know their schema and read and write themselves through Reader
// and Writer; each wire protocol implements the two once. So neither grows with
// the other: a new protocol is one codec, a new service is generated types.
//
// Constraints are checked by ReadValid, which stands between the two and so serves
// every protocol. The package knows no protocol, no HTTP and no JSON; it holds no
// state but compiled patterns.
package smithy

import "time"

// Type is the kind of a shape.
type Type uint8

// The shape types.
const (
	Structure Type = iota + 1
	Union
	List
	Map
	String
	Enum
	IntEnum
	Boolean
	Byte
	Short
	Integer
	Long
	Float
	Double
	BigInteger
	BigDecimal
	Blob
	Timestamp
	Document
)

// Location says where the HTTP binding puts a member.
type Location uint8

// The locations. Body is the default.
const (
	Body Location = iota
	Label
	Query
	QueryParams // the whole query string as a map
	Header
	PrefixHeaders
	StatusCode
	Payload      // the member is the body
	EventHeader  // of an event-stream message
	EventPayload // of an event-stream message
	Host
)

// TimestampFormat says how a timestamp is written. DefaultTimestamp leaves it to
// the protocol and the location.
type TimestampFormat uint8

// The timestamp formats.
const (
	DefaultTimestamp TimestampFormat = iota
	EpochSeconds
	DateTime
	HTTPDate
)

// Schema describes a shape. Schemas are built once, by generated code, and never
// changed; they may refer to each other in cycles.
type Schema struct {
	Name    string
	Type    Type
	Members []Member // Structure, Union; a List has one ("member"), a Map two ("key", "value")

	Constraints
	Enum   []string // String, Enum: the allowed values; nil allows any
	Sparse bool     // List, Map: null elements are kept
	Unique bool     // List

	Timestamp TimestampFormat

	Error     string // the error code, when the structure is a modelled error
	Status    int    // its HTTP status
	Sensitive bool   // never shown in messages or logs
	Streaming bool   // a Union that is an event stream, or a Blob that streams
	Flattened bool   // List, Map in query and XML protocols
	XMLName   string
	Namespace *Namespace // XML, of the element that holds the shape
}

// IsEventStream reports whether s is the union of an event stream.
func (s *Schema) IsEventStream() bool { return s.Type == Union && s.Streaming }

// EventStream returns the union of the event stream that is a member of s, or nil.
func (s *Schema) EventStream() *Schema {
	for i := range s.Members {
		if t := s.Members[i].Schema; t.IsEventStream() {
			return t
		}
	}
	return nil
}

// Namespace is an XML namespace. Prefix is empty for the default one.
type Namespace struct {
	Prefix, URI string
}

// Constraints bound a value. They apply to whole values: a length counts
// characters of a String, bytes of a Blob and elements of a List or Map.
type Constraints struct {
	MinLength, MaxLength *int64
	Min, Max             *float64
	Pattern              *Pattern
}

// Member is a member of a structure or union, or the element of a list or map.
type Member struct {
	Name     string // as modelled
	WireName string // as written: jsonName, xmlName or locationName; normally Name
	Schema   *Schema

	Required         bool
	Location         Location
	LocationName     string // header, query or label name; prefix of PrefixHeaders
	Timestamp        TimestampFormat
	IdempotencyToken bool
	Flattened        bool
	XMLAttribute     bool
	HostLabel        bool
	MediaType        string     // content type of a payload
	JSONValue        bool       // a header that holds base64 of JSON text
	Namespace        *Namespace // XML, of the member's element
}

// Struct is a structure that describes itself. Generated structures, and generated
// union wrappers, implement it on their pointer.
type Struct interface {
	Schema() *Schema
	// ReadMember reads the value of member i from r into the receiver.
	ReadMember(r Reader, i int) error
	// WriteMembers writes each member that is set, in the schema's order: for each
	// w.Member(i) and then exactly one value.
	WriteMembers(w Writer)
}

// Reader yields values in the form the protocol holds them. The caller says what it
// expects; a value of another type is an error of kind serialization (see
// SerializationError). The *Schema given with a value is for the formats and
// constraints of that value.
//
// Readers are bounded in depth and size by their protocol.
type Reader interface {
	// Struct reads a structure or union into v: it calls v.ReadMember for each
	// member that is present and not null, in the order of the wire, and skips
	// members it does not know.
	Struct(v Struct) error
	// List calls elem for each element. null says that the element is a null of a
	// sparse list and must not be read.
	List(s *Schema, elem func(null bool) error) error
	// Map calls entry for each key.
	Map(s *Schema, entry func(key string, null bool) error) error

	String(s *Schema) (string, error) // also enums, big numbers as their digits
	Bool(s *Schema) (bool, error)
	Int(s *Schema) (int64, error) // every integer type, range-checked by s.Type
	Float(s *Schema) (float64, error)
	Bytes(s *Schema) ([]byte, error)
	Time(s *Schema) (time.Time, error)
	// JSON reads a document: the raw JSON text of one value, owned by the caller.
	JSON(s *Schema) ([]byte, error)
}

// Writer takes values. It cannot fail half way: implementations keep the first
// error and report it when the whole value is finished.
type Writer interface {
	Struct(v Struct)
	// Member announces member i of the structure being written.
	Member(i int)
	// List writes n elements by calling elem for each.
	List(s *Schema, n int, elem func(i int))
	// Map is followed by Key and a value, n times, then EndMap.
	Map(s *Schema, n int)
	Key(k string)
	EndMap()
	Null()

	String(s *Schema, v string)
	Bool(s *Schema, v bool)
	Int(s *Schema, v int64)
	Float(s *Schema, v float64)
	Bytes(s *Schema, v []byte)
	Time(s *Schema, v time.Time)
	JSON(s *Schema, v []byte)
}
