package main

import (
	"context"

	"sealpipe"
)

type sealpipePeer struct{ encryption, releases bool }

type sealpipeChannel struct {
	*sealpipe.Conn
	// releases: the memory of each message is returned once it was handled.
	releases bool
}

func (p sealpipePeer) options() *sealpipe.Options {
	return &sealpipe.Options{Profile: sealpipe.ProfileNative, DisableEncryption: !p.encryption}
}

func (p sealpipePeer) listen(name string, opened func(channel)) (func(), error) {
	listener, err := sealpipe.Listen(name, p.options())
	if err != nil {
		return nil, err
	}
	listener.Handle(messageType, func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return r.Data, nil })
	go func() {
		_ = listener.Serve(context.Background(), func(_ context.Context, conn *sealpipe.Conn) {
			opened(sealpipeChannel{conn, p.releases})
		})
	}()
	return func() { _ = listener.Close() }, nil
}

func (p sealpipePeer) connect(name string) (channel, error) {
	conn, err := sealpipe.Dial(context.Background(), name, p.options())
	return sealpipeChannel{conn, p.releases}, err
}

func (c sealpipeChannel) send(body []byte) error {
	return c.Write(context.Background(), messageType, body)
}

func (c sealpipeChannel) receive(handle func([]byte)) {
	for message, err := range c.Messages(context.Background()) {
		if err != nil {
			return
		}
		handle(message.Data)
		if c.releases {
			message.Release()
		}
	}
}

func (c sealpipeChannel) request(body []byte) ([]byte, error) {
	return c.Request(context.Background(), messageType, body)
}

func (c sealpipeChannel) close() { _ = c.Close() }
