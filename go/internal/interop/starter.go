package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"sealpipe"
)

// runStarter starts and closes servers as it is told, as test/support/children/starter.ts does. A server answers each message
// with this process's id.
func runStarter() {
	var listener *sealpipe.Listener
	say(line{"event": "ready"})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var command struct {
			Do, Name string
			Options  struct {
				Directory  string
				Encryption bool
			}
			At float64
		}
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			panic(err)
		}
		if command.Do == "start" {
			// Without a pause: a timer would come late by as much as a start takes.
			for float64(time.Now().UnixMicro())/1_000 < command.At {
			}
			listener = startServer(command.Name, &sealpipe.Options{
				Directory: command.Options.Directory, DisableEncryption: !command.Options.Encryption,
			})
			continue
		}
		if listener != nil {
			_ = listener.Close()
		}
		listener = nil
		say(line{"event": "closed"})
	}
}

func startServer(name string, options *sealpipe.Options) *sealpipe.Listener {
	listener, err := sealpipe.Listen(name, options)
	if err != nil {
		say(failed(err))
		return nil
	}
	go func() {
		_ = listener.Serve(context.Background(), func(ctx context.Context, conn *sealpipe.Conn) {
			for message, err := range conn.Messages(ctx) {
				if err != nil {
					return
				}
				_ = conn.WriteText(ctx, message.Type, strconv.Itoa(os.Getpid()))
			}
		})
	}()
	say(line{"event": "listening"})
	return listener
}

// runHandshakes has count clients, one after the other, each send a message to a server that writes it back.
func runHandshakes(name, count string) {
	rounds, _ := strconv.Atoi(count)
	for round := range rounds {
		if err := meetOnce(name, []byte(strconv.Itoa(round))); err != nil {
			say(failed(err))
			return
		}
	}
	say(line{"event": "done", "rounds": rounds})
}

func meetOnce(name string, data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, err := sealpipe.Dial(ctx, name, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Write(ctx, 7, data); err != nil {
		return err
	}
	message, err := client.Read(ctx)
	if err == nil && !bytes.Equal(message.Data, data) {
		err = fmt.Errorf("%q came back for %q", message.Data, data)
	}
	return err
}
