// Package wire encodes and decodes what is on the wire: handshake messages, classic frames, native records and
// frames, and the keys that seal them. It does no I/O, reads no clock and draws no random number: all of these are
// passed in. It follows spec/protocol.md in its order and words.
package wire

const (
	// DefaultMaxMessageBytes is the largest data of a message unless an option says otherwise.
	DefaultMaxMessageBytes = 3_145_728
	// MaxMaxMessageBytes is the largest allowed limit: 1 GiB.
	MaxMaxMessageBytes = 1 << 30
	// MaxSecretBytes is the length of the longest secret that two ends can share.
	MaxSecretBytes = 1_024
	// maxMaximumSizeBytes bounds the payload of the maximum-size frame.
	maxMaximumSizeBytes = 256

	// LengthBytes is the length prefix of every frame and record.
	LengthBytes = 4
	// TypeBytes is the type before a message's data.
	TypeBytes = 4

	// MaxClassicPayloads is how many payloads one classic key may seal and open, in both directions together.
	MaxClassicPayloads = 1 << 32
)
