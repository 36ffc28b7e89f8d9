package token

// Segment is a part of a text with its provenance.
type Segment struct {
	Text string
	// Plain: special tokens are not looked for in Text. It is set for whatever a user
	// wrote, who could otherwise forge the marks between the turns of a chat.
	Plain bool
}

// Codec turns text into token IDs and back for models that generate text. It is
// immutable and safe for concurrent use.
type Codec struct {
	bos    int32
	addBOS bool
	ends   []int32
	pieces pieceTable
}

// pieceTable holds the bytes of every token.
type pieceTable struct {
	blob    []byte
	starts  []uint32
	control []bool
	ids     map[string]int32
}

// Encode appends the tokens of the segments, which are one text.
func (c *Codec) Encode(dst []int32, segments ...Segment) []int32 { return dst }

// BOS returns the token that begins a text, -1 when there is none, and whether the
// model wants it before a prompt.
func (c *Codec) BOS() (id int32, add bool) { return c.bos, c.addBOS }

// Ends returns every token that ends a generation. It is not to be changed.
func (c *Codec) Ends() []int32 { return c.ends }

// Size is one more than the largest ID.
func (c *Codec) Size() int { return max(len(c.pieces.starts)-1, 0) }

// Piece returns the bytes that id adds to a running text. They are not to be changed.
func (c *Codec) Piece(id int32) []byte {
	if id < 0 || int(id) >= c.Size() {
		return nil
	}
	return c.pieces.blob[c.pieces.starts[id]:c.pieces.starts[id+1]]
}

// Control reports a control token, such as <|im_end|>.
func (c *Codec) Control(id int32) bool {
	return id >= 0 && int(id) < len(c.pieces.control) && c.pieces.control[id]
}

// Lookup returns the token with exactly this content.
func (c *Codec) Lookup(text string) (int32, bool) {
	id, ok := c.pieces.ids[text]
	return id, ok
}

// NewDecoder returns a decoder for tokens that continue a text.
func (c *Codec) NewDecoder() *Decoder { return &Decoder{} }

// Decoder turns tokens into text as they come.
type Decoder struct{}

// Add returns the text that is complete with id.
func (d *Decoder) Add(id int32) string { return "" }

// Flush returns what Add held back.
func (d *Decoder) Flush() string { return "" }
