package sealpipe

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"time"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

// Description is what a server is, by its own words: an authenticated server's if the channel has a secret.
type Description struct {
	PeerInfo
	// Codec is how its application encodes what it says; empty if that is bytes to the library.
	Codec string
	// Contracts are those that it serves.
	Contracts []Contract
	// Requests and Streams are the types that it has handlers for, without those of single connections.
	Requests, Streams []uint32
	// Connections is the number of clients that are connected or may come back.
	Connections int
	// Uptime is how long it has been listening, in whole milliseconds.
	Uptime time.Duration
}

// Contract is by which two programs know whether they speak of the same.
type Contract = wire.Contract

// descriptionText is a description as it travels. Source: spec/protocol.md, "Description".
type descriptionText struct {
	Library            string         `json:"library"`
	Application        string         `json:"application"`
	ApplicationVersion string         `json:"applicationVersion"`
	PID                uint32         `json:"pid"`
	Codec              string         `json:"codec"`
	Contracts          []contractText `json:"contracts"`
	Requests           []uint32       `json:"requests"`
	Streams            []uint32       `json:"streams"`
	Connections        int            `json:"connections"`
	UptimeMs           int64          `json:"uptimeMs"`
}

type contractText struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Hash    string `json:"hash"`
}

// description is this server's.
func (l *Listener) description() *Description {
	requests, streams := l.handlers.types(), l.streamHandlers.types()
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Description{
		PeerInfo: l.config.self(), Requests: requests, Streams: streams, Connections: len(l.open), Uptime: time.Since(l.startedAt),
	}
}

func (d *Description) encode() []byte {
	contracts := make([]contractText, 0, len(d.Contracts))
	for _, c := range d.Contracts {
		contracts = append(contracts, contractText{c.Name, c.Version, hex.EncodeToString(c.Hash[:])})
	}
	text, err := json.Marshal(descriptionText{
		Library: d.Library, Application: d.Application, ApplicationVersion: d.ApplicationVersion, PID: d.PID, Codec: d.Codec,
		Contracts: contracts, Requests: d.Requests, Streams: d.Streams, Connections: d.Connections, UptimeMs: d.Uptime.Milliseconds(),
	})
	if err != nil {
		panic(err) // It has nothing that JSON lacks.
	}
	return text
}

// decodeDescription reads members by their exact names, which the library's own decoding into a struct would not.
func decodeDescription(text []byte) (*Description, error) {
	r := descriptionReader{}
	if err := json.Unmarshal(text, &r.members); err != nil {
		return nil, fault.Wrap(fault.DescriptionInvalid, err, "the server's description is not a JSON object")
	}
	d := &Description{Codec: r.text("codec"), Contracts: r.contracts(), Requests: r.types("requests"), Streams: r.types("streams")}
	d.Library, d.Application, d.ApplicationVersion = r.text("library"), r.text("application"), r.text("applicationVersion")
	d.PID = uint32(r.count("pid", math.MaxUint32))
	d.Connections = int(r.count("connections", math.MaxInt32))
	d.Uptime = time.Duration(r.count("uptimeMs", math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	if r.err != nil {
		return nil, r.err
	}
	return d, nil
}

// descriptionReader reads the members of an object, and keeps the first error.
type descriptionReader struct {
	members map[string]json.RawMessage
	err     error
}

func (r *descriptionReader) invalid(name string) {
	if r.err == nil {
		r.err = fault.New(fault.DescriptionInvalid, "the server's description has no valid %s", name)
	}
}

// read reads a member. JSON's null is none.
func (r *descriptionReader) read(name string, into any) {
	value, ok := r.members[name]
	if !ok || string(value) == "null" || json.Unmarshal(value, into) != nil {
		r.invalid(name)
	}
}

func (r *descriptionReader) text(name string) (text string) {
	r.read(name, &text)
	return text
}

func (r *descriptionReader) count(name string, highest int64) int64 {
	var count float64
	r.read(name, &count)
	return r.whole(name, count, highest)
}

// whole is the number, if it is a whole one in range.
func (r *descriptionReader) whole(name string, count float64, highest int64) int64 {
	if count != math.Trunc(count) || count < 0 || count > min(float64(highest), wire.MaxPosition) {
		r.invalid(name)
		return 0
	}
	return int64(count)
}

func (r *descriptionReader) types(name string) []uint32 {
	var counts []*float64
	r.read(name, &counts)
	types := make([]uint32, 0, len(counts))
	for _, count := range counts {
		if count == nil {
			r.invalid(name)
			return nil
		}
		types = append(types, uint32(r.whole(name, *count, math.MaxUint32)))
	}
	return types
}

func (r *descriptionReader) contracts() []Contract {
	var texts []map[string]json.RawMessage
	r.read("contracts", &texts)
	contracts := make([]Contract, 0, len(texts))
	for _, text := range texts {
		inner := descriptionReader{members: text}
		contract := Contract{Name: inner.text("name"), Version: inner.text("version")}
		hash, err := hex.DecodeString(inner.text("hash"))
		if inner.err != nil || err != nil || len(hash) != len(contract.Hash) || hex.EncodeToString(hash) != inner.text("hash") {
			r.invalid("contracts")
			return nil
		}
		copy(contract.Hash[:], hash)
		contracts = append(contracts, contract)
	}
	return contracts
}
