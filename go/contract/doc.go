// Package contract is what code stands on that `sealpipe contract generate --go` has written: it has the two sides of a contract,
// checks what arrives by the contract's JSON Schemas, and compares the contracts of two ends as they connect. Programs use the
// generated code, and of this package the types that it shows: Source, Sink, Stream, Optional, InvalidError.
package contract
