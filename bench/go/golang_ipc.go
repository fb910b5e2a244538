package main

import (
	"errors"

	ipc "github.com/james-barrow/golang-ipc"
)

const messageType = 1

type golangIPC struct{ encryption bool }

// ipcEndpoint is what golang-ipc's servers and clients have in common.
type ipcEndpoint interface {
	Read() (*ipc.Message, error)
	Write(messageType int, data []byte) error
	Close()
}

type ipcChannel struct{ ipcEndpoint }

func (p golangIPC) listen(name string, opened func(channel)) (func(), error) {
	server, err := ipc.StartServer(name, &ipc.ServerConfig{Encryption: p.encryption})
	if err != nil {
		return nil, err
	}
	go opened(ipcChannel{server})
	return func() {}, nil
}

func (p golangIPC) connect(name string) (channel, error) {
	client, err := ipc.StartClient(name, &ipc.ClientConfig{Encryption: p.encryption})
	if err != nil {
		return nil, err
	}
	for {
		message, err := client.Read()
		if err != nil {
			return nil, err
		}
		if message.Status == "Connected" {
			return ipcChannel{client}, nil
		}
		if message.Err != nil {
			return nil, errors.New(message.Status)
		}
	}
}

func (c ipcChannel) send(body []byte) error { return c.Write(messageType, body) }

func (c ipcChannel) receive(handle func([]byte)) {
	for {
		message, err := c.Read()
		if err != nil {
			return
		}
		if message.MsgType > 0 {
			handle(message.Data)
		}
	}
}

func (c ipcChannel) close() { c.Close() }
