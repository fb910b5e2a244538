package main

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"io"
	"net"
)

// rawPeer is a Unix socket with a length before each message and nothing else: one write for each. If it seals, each message is also
// sealed with AES-256-GCM under a counter: that is what encryption costs at least, whatever else a library does.
type rawPeer struct{ seals bool }

const bufferBytes = 65_536

type rawChannel struct {
	conn   net.Conn
	output []byte
	// gcm is nil if nothing is sealed. The two directions have different nonces.
	gcm             cipher.AEAD
	sealing, opened nonce
}

type nonce [12]byte

func (n *nonce) next() []byte {
	binary.BigEndian.PutUint64(n[4:], binary.BigEndian.Uint64(n[4:])+1)
	return n[:]
}

func (p rawPeer) channel(conn net.Conn, side byte) *rawChannel {
	c := &rawChannel{conn: conn}
	if p.seals {
		// A key that everybody knows costs as much as another.
		block, err := aes.NewCipher(make([]byte, 32))
		if err == nil {
			c.gcm, err = cipher.NewGCM(block)
		}
		if err != nil {
			panic(err)
		}
		c.sealing[0], c.opened[0] = side, 1-side
	}
	return c
}

func (p rawPeer) listen(name string, opened func(channel)) (func(), error) {
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
			go opened(p.channel(conn, 0))
		}
	}()
	return func() { _ = listener.Close() }, nil
}

func (p rawPeer) connect(name string) (channel, error) {
	conn, err := net.Dial("unix", socketPath(name))
	if err != nil {
		return nil, err
	}
	return p.channel(conn, 1), nil
}

func (c *rawChannel) send(body []byte) error {
	if c.gcm == nil {
		c.output = binary.BigEndian.AppendUint32(c.output[:0], uint32(len(body)))
		c.output = append(c.output, body...)
	} else {
		c.output = binary.BigEndian.AppendUint32(c.output[:0], uint32(len(body)+c.gcm.Overhead()))
		c.output = c.gcm.Seal(c.output, c.sealing.next(), body, c.output)
	}
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
		if c.gcm == nil {
			handle(body)
			continue
		}
		// In place. The additional data are the length.
		message, err := c.gcm.Open(body[:0], c.opened.next(), body, header[:])
		if err != nil {
			panic(err)
		}
		handle(message)
	}
}

func (c *rawChannel) close() { _ = c.conn.Close() }
