package wire

// Operation is what a request to the library itself asks for. Source: spec/protocol.md, "Admin".
type Operation byte

const (
	Describe Operation = 1
	Shutdown Operation = 2
)

// MaxAdminBytes is the max length of such a request's data.
const MaxAdminBytes = 1_024
