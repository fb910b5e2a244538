package main

import (
	"context"
	"encoding/hex"
	"os"

	"sealpipe"
)

// askedToEnd is the exit code of a server that a client has asked to shut down.
const askedToEnd = 7

func (e *end) allow() {
	e.listener.AllowDescribe(true)
	e.listener.AllowShutdown(func(r *sealpipe.ShutdownRequest) error {
		say(line{"event": "asked", "reason": r.Reason, "application": r.Conn.Peer().Application})
		os.Exit(askedToEnd)
		return nil
	})
}

func describe(ctx context.Context, conn *sealpipe.Conn) line {
	d, err := conn.Describe(ctx)
	if err != nil {
		return failed(err)
	}
	var contracts []string
	for _, contract := range d.Contracts {
		contracts = append(contracts, contract.Name+" "+contract.Version+" "+hex.EncodeToString(contract.Hash[:]))
	}
	return line{
		"event": "description", "library": d.Library, "application": d.Application, "applicationVersion": d.ApplicationVersion,
		"pid": d.PID, "codec": d.Codec, "contracts": contracts, "requests": d.Requests, "streams": d.Streams,
		"connections": d.Connections, "uptimeMs": d.Uptime.Milliseconds(),
	}
}
