package sealpipe

// Status is the status of a connection or listener: golang-ipc's ten as lower-case words.
type Status string

const (
	// NotConnected is a listener or connection that has not begun.
	NotConnected Status = "not-connected"
	// Listening is a listener that clients can connect to.
	Listening Status = "listening"
	// Connecting is a client that waits for the server, or is in the handshake.
	Connecting Status = "connecting"
	// Connected is an open connection.
	Connected Status = "connected"
	// Reconnecting is a client that was connected and tries again, and a server's connection whose client may come back.
	Reconnecting Status = "reconnecting"
	// Closing is one on which Close was called.
	Closing Status = "closing"
	// Closed is one that is closed, by this end.
	Closed Status = "closed"
	// Disconnected is a server's connection whose client has left.
	Disconnected Status = "disconnected"
	// Timeout is a client that gave up after ConnectTimeout.
	Timeout Status = "timeout"
	// Failed is one that has failed for good; its Err says why.
	Failed Status = "error"
)
