package main

import (
	"encoding/binary"
	"strings"
)

const nativeHelloDescription = "The native profile's hellos. frame is the whole frame of the hello; its windows and " +
	"received are of messages, requests and answers. Where there is an outcome instead, body is a frame's body that a " +
	"receiver must refuse with that code as a hello of that side. All bytes are lower-case hex."

type nativeHelloVector struct {
	Name    string        `json:"name"`
	From    string        `json:"from"`
	Hello   *helloContent `json:"hello,omitempty"`
	Frame   hexBytes      `json:"frame,omitempty"`
	Body    *hexBytes     `json:"body,omitempty"`
	Outcome string        `json:"outcome,omitempty"`
}

type helloContent struct {
	MaxMessageBytes    uint32     `json:"maxMessageBytes"`
	Windows            [3]uint32  `json:"windows"`
	PID                uint32     `json:"pid"`
	Library            string     `json:"library"`
	Application        string     `json:"application"`
	ApplicationVersion string     `json:"applicationVersion"`
	Session            string     `json:"session"`
	SessionID          hexBytes   `json:"sessionId,omitempty"`
	Received           *positions `json:"received,omitempty"`
	Proof              hexBytes   `json:"proof,omitempty"`
	Code               *string    `json:"code,omitempty"`
	Message            *string    `json:"message,omitempty"`
	Offers             *offers    `json:"offers,omitempty"`
}

const frameInvalid = "ERR_FRAME_INVALID"

func nativeHelloVectors() []nativeHelloVector {
	id, received, mac := pattern(16, 5), &positions{70, 1 << 32, 1<<53 - 1}, pattern(32, 6)
	texts, numbers := usualHello(), usualHello()
	texts.Library, texts.Application, texts.ApplicationVersion = "", "Grüße €😀", strings.Repeat("v", 255)
	numbers.MaxMessageBytes, numbers.PID, numbers.Windows = 1<<32-1, 1<<32-1, [3]uint32{65536, 1<<31 - 1, 65537}
	return append([]nativeHelloVector{
		hello("A client that cannot resume.", "client", usualHello()),
		hello("A client that wants a session that can be resumed.", "client", usualHello().with("new", nil, nil, nil)),
		hello("A client that comes back.", "client", usualHello().with("resume", id, received, mac)),
		hello("A server without a session that can be resumed.", "server", usualHello()),
		hello("A server that begins a session.", "server", usualHello().with("new", id, nil, nil)),
		hello("A server that knows the session.", "server", usualHello().with("resumed", nil, received, mac)),
		hello("Texts that are empty, of several bytes a character, and of 255 bytes.", "client", texts),
		hello("The smallest and the largest windows, and the largest numbers.", "server", numbers),
	}, badHellos()...)
}

func usualHello() helloContent {
	return helloContent{
		MaxMessageBytes: defaultMaximumMessage, Windows: [3]uint32{8388608, 2097152, 2097152}, PID: 4711,
		Library: "sealpipe/0.1.0", Application: "my-app", ApplicationVersion: "2.1.0", Session: "none",
	}
}

func (h helloContent) with(session string, id []byte, received *positions, proof []byte) helloContent {
	h.Session, h.SessionID, h.Received, h.Proof = session, id, received, proof
	return h
}

func hello(name, from string, content helloContent) nativeHelloVector {
	body := helloBody(content)
	frame := join([]byte{0x01}, uint24Bytes(len(body)), body)
	return nativeHelloVector{Name: name, From: from, Hello: &content, Frame: frame}
}

func helloBody(given helloContent) []byte {
	body := uint32Bytes(given.MaxMessageBytes)
	for _, window := range given.Windows {
		body = append(body, uint32Bytes(window)...)
	}
	body = append(body, uint32Bytes(given.PID)...)
	for _, text := range []string{given.Library, given.Application, given.ApplicationVersion} {
		body = append(append(body, byte(len(text))), text...)
	}
	body = append(body, map[string]byte{"none": 0, "new": 1, "resume": 2, "resumed": 2, "refused": 3}[given.Session])
	body = append(body, given.SessionID...)
	if given.Received != nil {
		body = append(body, given.Received.bytes()...)
	}
	body = append(body, given.Proof...)
	if given.Code != nil {
		body = append(body, join(textBytes(*given.Code), textBytes(*given.Message))...)
	}
	if given.Offers != nil {
		body = append(body, given.Offers.bytes()...)
	}
	return body
}

func badHellos() []nativeHelloVector {
	bad := func(name, from string, body hexBytes) nativeHelloVector {
		return nativeHelloVector{Name: name, From: from, Body: &body, Outcome: frameInvalid}
	}
	windows := func(name string, windows [3]uint32) nativeHelloVector {
		content := usualHello()
		content.Windows = windows
		return bad(name, "client", helloBody(content))
	}
	text := func(name string, text []byte) nativeHelloVector {
		content := usualHello()
		content.Library = string(text)
		return bad(name, "server", helloBody(content))
	}
	whole := helloBody(usualHello().with("resume", pattern(16, 5), &positions{1, 2, 3}, pattern(32, 6)))
	session := len(whole) - 16 - 24 - 32 - 1
	late := join(whole[:session+1+16], binary.BigEndian.AppendUint64(nil, 1<<53), whole[session+1+16+8:])
	return []nativeHelloVector{
		bad("Nothing at all.", "client", nil),
		bad("The fixed part lacks its last byte.", "client", whole[:19]),
		bad("A text ends outside of the body.", "client", whole[:25]),
		bad("There is no word of a session.", "client", whole[:session]),
		bad("The proof lacks its last byte.", "client", whole[:len(whole)-1]),
		bad("A session of a kind that there is not.", "client", join(whole[:session], []byte{3}, whole[session+1:])),
		bad("A server's new session has no id.", "server", join(whole[:session], []byte{1})),
		bad("A position of 2^53.", "client", late),
		windows("A window below the least.", [3]uint32{65535, 65536, 65536}),
		windows("A window above the most.", [3]uint32{65536, 1 << 31, 65536}),
		windows("A window of 0.", [3]uint32{65536, 65536, 0}),
		text("A text with a byte that UTF-8 does not have.", []byte{0xff}),
		text("A text with an overlong character.", []byte{0xc0, 0x80}),
		text("A text with half a pair of surrogates.", []byte{0xed, 0xa0, 0x80}),
		text("A text that ends within a character.", []byte{0xe2, 0x82}),
	}
}
