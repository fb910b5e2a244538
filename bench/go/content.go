package main

import (
	"bytes"
	"fmt"
)

// What the messages hold, byte for byte as in process/content.ts.
const (
	alphabet        = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	ringLength      = 61
	largeRingLength = 7
	largeBytes      = 262144
)

type content struct {
	bytes int
	ring  [][]byte
}

func newContent(size int) *content {
	length := ringLength
	if size >= largeBytes {
		length = largeRingLength
	}
	c := &content{bytes: size}
	for index := 0; index < length; index++ {
		body := make([]byte, size)
		for at := range body {
			body[at] = alphabet[(index*31+at*7+(at>>8))&63]
		}
		c.ring = append(c.ring, body)
	}
	return c
}

func (c *content) at(number int) []byte { return c.ring[number%len(c.ring)] }

func (c *content) verify(number int, body []byte, check string) error {
	expected := c.at(number)
	last := len(expected) - 1
	same := len(body) == len(expected) && body[0] == expected[0] && body[last] == expected[last]
	if same && check == "all" {
		same = bytes.Equal(body, expected)
	}
	if !same {
		return fmt.Errorf("message %d of %d bytes arrived with other contents", number, c.bytes)
	}
	return nil
}
