package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
)

// rawPeer is a Unix socket with a length before each message and nothing else: one write for each.
type rawPeer struct{}

const bufferBytes = 65_536

type rawChannel struct {
	conn   net.Conn
	output []byte
}

func (rawPeer) listen(name string, opened func(channel)) (func(), error) {
	listener, err := net.Listen("unix", socketPath(name))
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go opened(&rawChannel{conn: conn})
		}
	}()
	return func() { _ = listener.Close() }, nil
}

func (rawPeer) connect(name string) (channel, error) {
	conn, err := net.Dial("unix", socketPath(name))
	return &rawChannel{conn: conn}, err
}

func (c *rawChannel) send(body []byte) error {
	c.output = binary.BigEndian.AppendUint32(c.output[:0], uint32(len(body)))
	c.output = append(c.output, body...)
	_, err := c.conn.Write(c.output)
	return err
}

func (c *rawChannel) receive(handle func([]byte)) {
	input := bufio.NewReaderSize(c.conn, bufferBytes)
	var header [4]byte
	var body []byte
	for {
		if _, err := io.ReadFull(input, header[:]); err != nil {
			return
		}
		length := int(binary.BigEndian.Uint32(header[:]))
		if cap(body) < length {
			body = make([]byte, length)
		}
		body = body[:length]
		if _, err := io.ReadFull(input, body); err != nil {
			return
		}
		handle(body)
	}
}

func (c *rawChannel) close() { _ = c.conn.Close() }
