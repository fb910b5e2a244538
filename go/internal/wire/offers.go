package wire

import (
	"encoding/binary"
	"fmt"
)

// Features are bits of what the sender of a hello can read. Source: spec/protocol.md, "Features".
type Features uint32

const (
	FeatureStreams     Features = 1 << 0
	FeatureContext     Features = 1 << 1
	FeatureFailureData Features = 1 << 2
	FeatureAdmin       Features = 1 << 3
)

// MaxContracts in one hello.
const MaxContracts = 16

// Contract is by which two ends know whether they speak of the same.
type Contract struct {
	Name, Version string
	Hash          [32]byte
}

// Offers is what the end of a hello says, which ends from before there were features do not send.
type Offers struct {
	// Features has bits that this end knows, and perhaps others.
	Features Features
	// StreamLaneWindow is a window, of the lane of streams; StreamWindow of each direction of each stream.
	StreamLaneWindow, MaxConcurrentStreams, StreamWindow uint32
	// ReceivedStreams is how far the lane of streams has arrived, in a hello that resumes; otherwise 0.
	ReceivedStreams int64
	// Codec is how the application encodes what it says; empty if that is bytes to the library.
	Codec     string
	Contracts []Contract
	// SessionEnded is a server's: the code for which it ended the session that the client asked for; otherwise empty.
	SessionEnded string
}

// NoOffers is what an end says that has no features.
func NoOffers() *Offers { return &Offers{StreamLaneWindow: MinWindow, StreamWindow: MinWindow} }

func (o *Offers) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(o.Features))
	dst = binary.BigEndian.AppendUint32(dst, o.StreamLaneWindow)
	dst = binary.BigEndian.AppendUint32(dst, o.MaxConcurrentStreams)
	dst = binary.BigEndian.AppendUint32(dst, o.StreamWindow)
	dst = binary.BigEndian.AppendUint64(dst, uint64(o.ReceivedStreams))
	dst = append(appendText(dst, o.Codec), byte(len(o.Contracts)))
	for _, contract := range o.Contracts {
		dst = appendText(appendText(dst, contract.Name), contract.Version)
		dst = append(dst, contract.Hash[:]...)
	}
	if o.SessionEnded != "" {
		dst = appendText(dst, o.SessionEnded)
	}
	return dst
}

// readOffers reads what is left of a hello; what follows it is ignored.
func readOffers(f *fields, from Side) *Offers {
	o := &Offers{Features: Features(f.uint32())}
	o.StreamLaneWindow, o.MaxConcurrentStreams, o.StreamWindow = f.uint32(), f.uint32(), f.uint32()
	received := binary.BigEndian.Uint64(f.take(8))
	o.ReceivedStreams = int64(received)
	o.Codec = f.text()
	count := int(f.byte())
	if f.err == nil {
		f.err = o.objection(received, count)
	}
	for index := 0; index < count && f.err == nil; index++ {
		contract := Contract{Name: f.text(), Version: f.text()}
		copy(contract.Hash[:], f.take(len(contract.Hash)))
		o.Contracts = append(o.Contracts, contract)
	}
	if from == ServerSide && f.err == nil && len(f.rest) > 0 {
		o.SessionEnded = f.text()
		if f.err == nil && o.SessionEnded != "" && !IsFailureCode(o.SessionEnded) {
			f.err = InvalidFrame("a session that ended without a code")
		}
	}
	return o
}

func (o *Offers) objection(received uint64, contracts int) error {
	if contracts > MaxContracts {
		return InvalidFrame(fmt.Sprintf("a hello with %d contracts", contracts))
	}
	if received > MaxPosition {
		return InvalidFrame("a position of 2^53 or more")
	}
	if err := checkWindow(o.StreamLaneWindow); err != nil {
		return err
	}
	return checkWindow(o.StreamWindow)
}
