// The peer on golang-ipc v1.0.0.
package main

import (
	"os"
	"time"

	ipc "github.com/james-barrow/golang-ipc"

	"sealpipe.test/interop/peer"
)

func main() {
	os.Exit(peer.Run(peer.Library{
		StartServer: startServer,
		StartClient: startClient,
	}, os.Args[1:], os.Stdin, os.Stdout))
}

func startServer(name string, options peer.ServerOptions) (peer.Endpoint, error) {
	server, err := ipc.StartServer(name, &ipc.ServerConfig{
		Encryption:        options.Encryption,
		MaxMsgSize:        options.MaxMessageBytes,
		UnmaskPermissions: options.Unmask,
	})
	if server == nil {
		return nil, err
	}
	return endpoint{server}, err
}

func startClient(name string, options peer.ClientOptions) (peer.Endpoint, error) {
	client, err := ipc.StartClient(name, &ipc.ClientConfig{
		Encryption: options.Encryption,
		Timeout:    options.TimeoutSeconds,
		RetryTimer: time.Duration(options.RetrySeconds),
	})
	if client == nil {
		return nil, err
	}
	return endpoint{client}, err
}

// library is what *ipc.Server and *ipc.Client have in common.
type library interface {
	Read() (*ipc.Message, error)
	Write(messageType int, data []byte) error
	Status() string
	Close()
}

type endpoint struct{ library }

func (e endpoint) Read() (peer.Message, error) {
	message, err := e.library.Read()
	if err != nil {
		return peer.Message{}, err
	}
	if message.MsgType < 0 {
		return peer.Message{Status: message.Status}, nil
	}
	return peer.Message{Type: message.MsgType, Data: message.Data}, nil
}
