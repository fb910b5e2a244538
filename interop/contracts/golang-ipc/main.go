// A client on the real golang-ipc that takes part in the contract's events: its data have the generated types. See the README
// beside it.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	ipc "github.com/james-barrow/golang-ipc"

	"sealpipe.test/contracts/everything"
)

// The numbers of the events.
const (
	told  = 7
	asked = 8
	said  = 9
	tick  = 10
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(client *ipc.Client, number int, data any) {
	text, err := json.Marshal(data)
	check(err)
	check(client.Write(number, text))
}

func main() {
	client, err := ipc.StartClient(os.Args[2], nil)
	check(err)
	heard := [][]any{}
	for len(heard) < 4 {
		message, err := client.Read()
		check(err)
		switch message.MsgType {
		case -1:
			if client.StatusCode() == ipc.Connected && len(heard) == 0 {
				write(client, asked, "how far?")
				write(client, said, []int64{7, 8})
			}
		case told:
			var data everything.ToldData
			check(json.Unmarshal(message.Data, &data))
			heard = append(heard, []any{"told", data})
		case said:
			var data []int64
			check(json.Unmarshal(message.Data, &data))
			heard = append(heard, []any{"said", data})
		case tick:
			heard = append(heard, []any{"tick"})
		}
	}
	line, err := json.Marshal(map[string]any{"step": "events", "result": heard})
	check(err)
	fmt.Println(string(line))
	client.Close()
}
