package engine

import "sealpipe/internal/fault"

func connectionLost(cause error, where string) error {
	return fault.Wrap(fault.ConnectionLost, cause, "the connection to the peer was lost %s", where)
}

func keyExhausted() error {
	return fault.New(fault.KeyExhausted, "the connection's key has sealed as many messages as it may: a new connection has a new key")
}

func frameTimeout(ms int64) error {
	return fault.New(fault.FrameTimeout, "the peer began a frame and did not complete it within %d ms", ms)
}

func bodyTimeout(ms int64) error {
	return fault.New(fault.FrameTimeout, "the peer began a large message and sent too little of it: not a tenth in %d ms, or not all in ten times that", ms)
}

func closeTimeout(ms int64) error {
	return fault.New(fault.CloseTimeout, "after the close the peer accepted too little of what was still to be sent: not a tenth in %d ms, or not all in ten times that", ms)
}
