package sealpipe

import (
	"slices"
	"unicode/utf8"

	"sealpipe/internal/wire"
)

// ContractIdentity is by which two ends find out whether they mean the same contract: its name and its version, of at most 255 bytes
// of UTF-8 each, and the SHA-256 of its description.
type ContractIdentity = wire.Contract

// PeerContracts are the codec and the contracts that a native peer has told of; none if it has told of none, and of a classic peer.
func (c *Conn) PeerContracts() (codec string, contracts []ContractIdentity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offered == nil {
		return "", nil
	}
	return c.offered.Codec, slices.Clone(c.offered.Contracts)
}

func (c *config) checkContracts() error {
	if len(c.Contracts) > wire.MaxContracts {
		return invalidOption("Contracts", "at most 16")
	}
	if !isShortText(c.Codec) {
		return invalidOption("Codec", "at most 255 bytes of UTF-8")
	}
	names := map[string]bool{}
	for _, contract := range c.Contracts {
		if contract.Name == "" || !isShortText(contract.Name) || !isShortText(contract.Version) {
			return invalidOption("Contracts", "with names and versions of at most 255 bytes of UTF-8")
		}
		if names[contract.Name] {
			return invalidOption("Contracts", "with different names")
		}
		names[contract.Name] = true
	}
	c.Contracts = slices.Clone(c.Contracts)
	return nil
}

func isShortText(text string) bool { return len(text) <= wire.MaxTextBytes && utf8.ValidString(text) }
