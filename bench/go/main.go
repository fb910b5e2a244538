// The benchmark's program in Go: one of the two processes. It takes the commands of process/commands.ts that a server of one
// client has a use for. Arguments: the peer, and whether it encrypts.
package main

import (
	"bufio"
	"encoding/json"
	"os"
)

type command struct {
	Do    string `json:"do"`
	Name  string `json:"name"`
	Count int    `json:"count"`
	Bytes int    `json:"bytes"`
	Check string `json:"check"`
	// InFlight is how many requests wait for their answers at a time.
	InFlight int `json:"inFlight"`
}

type answer struct {
	ElapsedMs float64 `json:"elapsedMs,omitempty"`
	P50       float64 `json:"p50,omitempty"`
	P99       float64 `json:"p99,omitempty"`
	Error     string  `json:"error,omitempty"`
}

func main() {
	output := json.NewEncoder(os.Stdout)
	w := newWorker(peers[os.Args[1]](os.Args[2] == "true"), func(err error) { output.Encode(answer{Error: err.Error()}) })
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		var c command
		if err := json.Unmarshal(input.Bytes(), &c); err != nil {
			output.Encode(answer{Error: err.Error()})
			continue
		}
		result, err := w.obey(c)
		if err != nil {
			result = answer{Error: err.Error()}
		}
		output.Encode(result)
	}
}
