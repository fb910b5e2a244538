package main

import (
	"bytes"
	"crypto/sha256"
)

const nativeConnectionsDescription = "Whole native sessions, byte by byte, over one connection or two. Each step is bytes " +
	"that go from one side to the other, as a part of the handshake or as frames and the record that holds them; or what an " +
	"application does at one side, or what it hears there. A replay is an engine in one of the roles: what is from the other " +
	"role it is given, what is from its own it must write by then, what it does is done, and what it hears must come in that " +
	"order and nothing else. A connection's side that is not among the roles is made by hand and breaks rules. In a step with " +
	"times the frame is repeated as often in one plain record. Windows are 65536, the maximum 3145728, pid 1, the library " +
	"sealpipe/test, there are no features, and the server's random bytes are the session's id. consume is of the oldest thing " +
	"of that lane that was heard and is not consumed; wait is time that passes; end is the end of the transport's direction, " +
	"and cut that of both without a close. All bytes are lower-case hex."

type connectionVector struct {
	Name        string           `json:"name"`
	Roles       []string         `json:"roles"`
	Encrypted   bool             `json:"encrypted"`
	Secret      hexBytes         `json:"secret,omitempty"`
	Resumable   bool             `json:"resumable"`
	SessionID   hexBytes         `json:"sessionId,omitempty"`
	Windows     *[3]uint32       `json:"clientWindows,omitempty"`
	Connections []*oneConnection `json:"connections"`
}

type oneConnection struct {
	ServerPrivateKey hexBytes         `json:"serverPrivateKey,omitempty"`
	ClientPrivateKey hexBytes         `json:"clientPrivateKey,omitempty"`
	Steps            []connectionStep `json:"steps"`

	encrypted  bool
	secrets    map[string][]byte
	numbers    map[string]uint64
	transcript []byte
	resumption []byte
}

type connectionStep struct {
	From   string   `json:"from,omitempty"`
	Part   string   `json:"part,omitempty"`
	Bytes  hexBytes `json:"bytes,omitempty"`
	Frames hexBytes `json:"frames,omitempty"`
	Frame  hexBytes `json:"frame,omitempty"`
	Times  int      `json:"times,omitempty"`
	Record hexBytes `json:"record,omitempty"`

	At      string    `json:"at,omitempty"`
	Does    string    `json:"does,omitempty"`
	Hears   string    `json:"hears,omitempty"`
	ID      *uint32   `json:"id,omitempty"`
	Type    *uint32   `json:"type,omitempty"`
	Data    *hexBytes `json:"data,omitempty"`
	Code    string    `json:"code,omitempty"`
	Message string    `json:"message,omitempty"`
	Lane    string    `json:"lane,omitempty"`
	Ms      int       `json:"ms,omitempty"`
	Resumed *bool     `json:"resumed,omitempty"`

	Operation   *uint32 `json:"operation,omitempty"`
	Traceparent string  `json:"traceparent,omitempty"`
	Tracestate  string  `json:"tracestate,omitempty"`
}

var bothRoles = []string{"client", "server"}

const lostCode, emptyWeight = "ERR_CONNECTION_LOST", 4 + 4 + frameOverhead

// begin makes a connection up to its confirmation.
func begin(encrypted bool, seed int, secret []byte) *oneConnection {
	made := &oneConnection{encrypted: encrypted, numbers: map[string]uint64{}}
	if !encrypted {
		made.say("server", "hello", []byte{version, saysPlain})
		made.say("client", "answer", []byte{answersAccepted})
		made.say("server", "maximum-size", frame(join(uint32Bytes(defaultMaximumMessage), []byte("sealpip1"))))
		made.say("client", "confirmation", []byte{saysNative})
		return made
	}
	keys := nativeKeys("", serverKeys(seed), clientKeys(seed), secret)
	made.ServerPrivateKey, made.ClientPrivateKey = keys.ServerPrivateKey, keys.ClientPrivateKey
	made.secrets = map[string][]byte{"client": keys.Client.Secrets[0], "server": keys.Server.Secrets[0]}
	made.transcript, made.resumption = keys.Transcript, keys.ResumptionKey
	made.say("server", "hello", []byte{version, saysEncrypted})
	made.say("client", "answer", []byte{answersAccepted})
	made.say("server", "server-key", keys.ServerPublicKey)
	made.say("client", "client-key", keys.ClientPublicKey)
	made.say("server", "maximum-size", keys.MaximumSizeFrame)
	made.say("client", "confirmation", []byte{saysNative})
	return made
}

func (c *oneConnection) add(steps ...connectionStep) *oneConnection {
	c.Steps = append(c.Steps, steps...)
	return c
}

func (c *oneConnection) say(from, part string, said []byte) {
	c.add(connectionStep{From: from, Part: part, Bytes: said})
}

// record is one of that side, with these frames.
func (c *oneConnection) record(from string, frames ...nativeFrame) *oneConnection {
	var joined []byte
	for _, frame := range frames {
		joined = append(joined, frame.Head...)
	}
	made := nativeRecord(c.secrets[from], usualRecordsPerKey, c.numbers[from], joined)
	c.numbers[from]++
	return c.add(connectionStep{From: from, Frames: joined, Record: made.Record})
}

func (c *oneConnection) hello(from string, content helloContent) *oneConnection {
	return c.helloOffering(from, content, noOffers())
}

func (c *oneConnection) helloOffering(from string, content helloContent, offered offers) *oneConnection {
	content.MaxMessageBytes, content.PID = defaultMaximumMessage, 1
	content.Library, content.Application, content.ApplicationVersion = "sealpipe/test", "", ""
	return c.record(from, nativeFrame{Head: hello("", from, content.offering(offered)).Frame})
}

// open is both hellos, with what either side says of the session.
func (c *oneConnection) open(client, server helloContent, resumed bool) *oneConnection {
	c.hello("client", client)
	c.add(connectionStep{At: "server", Hears: "open", Resumed: &resumed})
	c.hello("server", server)
	return c.add(connectionStep{At: "client", Hears: "open", Resumed: &resumed})
}

func smallHello() helloContent {
	content := usualHello()
	content.Windows = [3]uint32{65536, 65536, 65536}
	return content
}

func acknowledges(messages, requests, answers uint64) nativeFrame {
	return short(kindAcknowledge, positions{messages, requests, answers}.bytes())
}

func does(at, what string) connectionStep { return connectionStep{At: at, Does: what} }

func hears(at, what string) connectionStep { return connectionStep{At: at, Hears: what} }

func consumes(at, lane string) connectionStep {
	return connectionStep{At: at, Does: "consume", Lane: lane}
}

func waits(at string, ms int) connectionStep { return connectionStep{At: at, Does: "wait", Ms: ms} }

func (s connectionStep) of(kind uint32, data []byte) connectionStep {
	s.Type, s.Data = number(kind), bytesOf(data)
	return s
}

func (s connectionStep) with(data []byte) connectionStep {
	s.Data = bytesOf(data)
	return s
}

func (s connectionStep) id(id uint32) connectionStep {
	s.ID = number(id)
	return s
}

func (s connectionStep) failing(code, message string) connectionStep {
	s.Code, s.Message = code, message
	return s
}

// message is written at one side and heard at the other, alone in its record.
func (c *oneConnection) message(from, to string, kind uint32, data []byte) *oneConnection {
	c.add(does(from, "message").of(kind, data))
	c.record(from, short(kindMessage, uint32Bytes(kind), data))
	return c.add(hears(to, "message").of(kind, data))
}

// closing is a close of one side that the other answers.
func (c *oneConnection) closing(first, second string) *oneConnection {
	c.add(does(first, "close"))
	c.record(first, short(kindClose))
	c.add(connectionStep{From: first, Part: "end"}, hears(second, "closed"))
	c.record(second, short(kindClose))
	return c.add(hears(first, "closed"), connectionStep{From: second, Part: "end"})
}

func nativeConnectionVectors() []connectionVector {
	secret := pattern(32, 1)
	return []connectionVector{
		{Name: "Encrypted: messages both ways, acknowledged after 20 ms, and a close of the client.", Roles: bothRoles, Encrypted: true, Connections: []*oneConnection{talk(true, nil, "client", "server")}},
		{Name: "Plain: the same, and a close of the server.", Roles: bothRoles, Connections: []*oneConnection{talk(false, nil, "server", "client")}},
		{Name: "With a secret: the same.", Roles: bothRoles, Encrypted: true, Secret: secret, Connections: []*oneConnection{talk(true, secret, "client", "server")}},
		{Name: "Requests that are answered, fail and are cancelled.", Roles: bothRoles, Encrypted: true, Connections: []*oneConnection{ask()}},
		{Name: "All lanes in one record, their positions, and an acknowledgement that was asked for.", Roles: bothRoles, Connections: []*oneConnection{lanes()}},
		{Name: "A client whose window is too small is refused.", Roles: bothRoles, Encrypted: true, Windows: &[3]uint32{65535, 65536, 65536}, Connections: []*oneConnection{refusedHello()}},
		{Name: "Both close at the same time.", Roles: bothRoles, Connections: []*oneConnection{bothClose()}},
		resumes(true), resumes(false), resumesWithinARecord(),
		{Name: "A cancel that overtakes its request, and one that comes late.", Roles: []string{"server"}, Connections: []*oneConnection{cancels()}},
		{Name: "Ids that go round.", Roles: []string{"server"}, Connections: []*oneConnection{wraparound()}},
		{Name: "As much as a window lets through, and then too much.", Roles: []string{"server"}, Connections: []*oneConnection{overrun()}},
		{Name: "The client answers to what was not asked.", Roles: []string{"client"}, Encrypted: true, Connections: []*oneConnection{unsolicited()}},
		{Name: "Frames after a close are ignored.", Roles: []string{"server"}, Connections: []*oneConnection{afterClose()}},
	}
}

func talk(encrypted bool, secret []byte, first, second string) *oneConnection {
	c := begin(encrypted, 0, secret).open(smallHello(), smallHello(), false)
	c.message("client", "server", 7, pattern(5, 1))
	c.message("server", "client", 1<<32-1, nil)
	c.add(consumes("server", "messages"), waits("server", 20))
	c.record("server", acknowledges(4+4+5+frameOverhead, 0, 0))
	c.message("client", "server", 7, pattern(300, 2))
	return c.closing(first, second)
}

func ask() *oneConnection {
	c := begin(true, 1, nil).open(smallHello(), smallHello(), false)
	request := func(id, kind uint32, data []byte) {
		c.add(does("client", "request").of(kind, data).id(id))
		c.record("client", short(kindRequest, uint32Bytes(id), uint32Bytes(kind), data))
		c.add(hears("server", "request").of(kind, data).id(id), consumes("server", "requests"))
	}
	request(1, 7, pattern(5, 1))
	c.answers(1, pattern(3, 2))
	request(2, 8, nil)
	c.fails(2, "ERR_NO_HANDLER", "é")
	request(3, 7, nil)
	c.add(does("client", "cancel").id(3))
	c.record("client", short(kindCancel, uint32Bytes(3)))
	c.add(hears("server", "cancel").id(3))
	request(4, 7, nil)
	return c.closingAfter("server", "client", acknowledges(0, 4*(4+8+frameOverhead)+5, 4+4+frameOverhead), acknowledges(0, 0, 4+4+3+4+5+14+2+2*frameOverhead))
}

// answers has the server answer a request.
func (c *oneConnection) answers(id uint32, data []byte) {
	c.add(does("server", "answer").id(id).with(data))
	c.record("server", short(kindAnswer, uint32Bytes(id), data))
	c.add(hears("client", "answer").id(id).with(data))
}

// fails has the server fail at a request.
func (c *oneConnection) fails(id uint32, code, message string) {
	c.add(does("server", "fail").id(id).failing(code, message))
	c.record("server", short(kindFailure, uint32Bytes(id), []byte{byte(len(code))}, []byte(code), []byte(message)))
	c.add(hears("client", "failure").id(id).failing(code, message))
}

// closingAfter is a close whose sides have something to acknowledge.
func (c *oneConnection) closingAfter(first, second string, firsts, seconds nativeFrame) *oneConnection {
	c.add(does(first, "close"))
	c.record(first, firsts, short(kindClose))
	c.add(connectionStep{From: first, Part: "end"}, hears(second, "closed"))
	c.record(second, seconds, short(kindClose))
	return c.add(hears(first, "closed"), connectionStep{From: second, Part: "end"})
}

func lanes() *oneConnection {
	c := begin(false, 0, nil).open(smallHello(), smallHello(), false)
	c.add(does("server", "request").of(9, nil).id(1))
	c.record("server", short(kindRequest, uint32Bytes(1), uint32Bytes(9)))
	c.add(hears("client", "request").of(9, nil).id(1), consumes("client", "requests"))
	c.add(does("client", "answer").id(1).with(pattern(2, 1)), does("client", "request").of(5, pattern(3, 1)).id(1))
	c.add(does("client", "message").of(6, pattern(4, 1)), does("client", "flush"))
	c.record("client", short(kindMessage, uint32Bytes(6), pattern(4, 1)), short(kindRequest, uint32Bytes(1), uint32Bytes(5), pattern(3, 1)),
		short(kindAnswer, uint32Bytes(1), pattern(2, 1)), short(kindSoon))
	c.add(hears("server", "message").of(6, pattern(4, 1)), hears("server", "request").of(5, pattern(3, 1)).id(1))
	c.add(hears("server", "answer").id(1).with(pattern(2, 1)))
	c.add(consumes("server", "messages"), consumes("server", "requests"))
	c.record("server", acknowledges(4+4+4+frameOverhead, 4+8+3+frameOverhead, 4+4+2+frameOverhead))
	// The wish is used up: what is consumed next waits for its time.
	c.message("client", "server", 6, nil)
	c.add(consumes("server", "messages"), waits("server", 20))
	c.record("server", acknowledges(4+4+4+frameOverhead+emptyWeight, 4+8+3+frameOverhead, 4+4+2+frameOverhead))
	c.add(does("client", "close"))
	c.record("client", acknowledges(0, 4+8+frameOverhead, 0), short(kindClose))
	c.add(connectionStep{From: "client", Part: "end"}, hears("server", "closed"))
	c.record("server", short(kindClose))
	return c.add(hears("client", "closed"), connectionStep{From: "server", Part: "end"})
}

func refusedHello() *oneConnection {
	c := begin(true, 0, nil)
	narrow := smallHello()
	narrow.Windows[0] = 65535
	c.hello("client", narrow)
	c.add(hears("server", "closed").failing(frameInvalid, ""))
	code, message := frameInvalid, "the peer sent a hello with a window of 65535 bytes"
	answer := smallHello()
	answer.Session, answer.Code, answer.Message = "refused", &code, &message
	c.hello("server", answer)
	return c.add(hears("client", "closed").failing(frameInvalid, ""), connectionStep{From: "server", Part: "end"})
}

func bothClose() *oneConnection {
	c := begin(false, 0, nil).open(smallHello(), smallHello(), false)
	c.add(does("client", "close"), does("server", "close"))
	c.record("client", short(kindClose)).record("server", short(kindClose))
	return c.add(hears("client", "closed"), hears("server", "closed"))
}

// resumes is cut after a message that was received, and before one that was not.
func resumes(encrypted bool) connectionVector {
	id := pattern(16, 5)
	first := begin(encrypted, 0, nil).open(smallHello().with("new", nil, nil, nil), smallHello().with("new", id, nil, nil), false)
	first.message("client", "server", 7, pattern(5, 1)).message("client", "server", 8, nil)
	first.message("server", "client", 9, pattern(2, 1))
	first.add(consumes("server", "messages"), does("client", "cut"), does("server", "cut"))
	first.add(hears("client", "closed").failing(lostCode, ""), hears("server", "closed").failing(lostCode, ""))
	first.add(does("client", "message").of(10, nil), does("server", "message").of(11, nil))

	second := begin(encrypted, 1, nil)
	key, transcript := first.resumption, second.transcript
	if !encrypted {
		digest := sha256.Sum256(id)
		key = digest[:]
	}
	fives, zeros := &positions{4 + 4 + 5 + 4 + 4 + 2*frameOverhead, 0, 0}, &positions{4 + 4 + 2 + frameOverhead, 0, 0}
	wish := smallHello().with("resume", id, zeros, proof("client", key, transcript, id, *zeros).Proof)
	second.open(wish, smallHello().with("resumed", nil, fives, proof("server", key, transcript, id, *fives).Proof), true)
	second.record("client", short(kindMessage, uint32Bytes(10))).record("server", short(kindMessage, uint32Bytes(11)))
	second.add(hears("server", "message").of(10, nil), hears("client", "message").of(11, nil))
	second.add(waits("server", 20)).record("server", acknowledges(4+4+5+frameOverhead, 0, 0))
	second.closing("client", "server")
	name := "A session that is resumed, plain."
	if encrypted {
		name = "A session that is resumed, encrypted."
	}
	return connectionVector{Name: name, Roles: bothRoles, Encrypted: encrypted, Resumable: true, SessionID: id, Connections: []*oneConnection{first, second}}
}

// resumesWithinARecord has a client that counts the first frame of a record alone.
func resumesWithinARecord() connectionVector {
	id := pattern(16, 6)
	first := begin(false, 0, nil).open(smallHello().with("new", nil, nil, nil), smallHello().with("new", id, nil, nil), false)
	first.add(does("server", "message").of(1, nil), does("server", "message").of(2, nil), does("server", "message").of(3, nil))
	first.record("server", short(kindMessage, uint32Bytes(1)), short(kindMessage, uint32Bytes(2)), short(kindMessage, uint32Bytes(3)))
	first.add(does("server", "cut"), hears("server", "closed").failing(lostCode, ""))
	second := begin(false, 0, nil)
	digest := sha256.Sum256(id)
	one, none := &positions{emptyWeight, 0, 0}, &positions{}
	wish := smallHello().with("resume", id, one, proof("client", digest[:], nil, id, *one).Proof)
	second.open(wish, smallHello().with("resumed", nil, none, proof("server", digest[:], nil, id, *none).Proof), true)
	second.record("server", short(kindMessage, uint32Bytes(2)), short(kindMessage, uint32Bytes(3)))
	second.record("client", acknowledges(3*emptyWeight, 0, 0))
	return connectionVector{Name: "A session that is resumed at a frame within a record.", Roles: []string{"server"}, Resumable: true, SessionID: id, Connections: []*oneConnection{first, second}}
}

func cancels() *oneConnection {
	c := begin(false, 0, nil).open(smallHello(), smallHello(), false)
	c.record("client", short(kindRequest, uint32Bytes(1), uint32Bytes(7)), short(kindCancel, uint32Bytes(2)))
	c.add(hears("server", "request").of(7, nil).id(1), consumes("server", "requests"), does("server", "answer").id(1).with(nil))
	c.record("server", short(kindAnswer, uint32Bytes(1)))
	// One is late now, two was early, and three is as any.
	c.record("client", short(kindCancel, uint32Bytes(1)), short(kindRequest, uint32Bytes(2), uint32Bytes(7)), short(kindRequest, uint32Bytes(3), uint32Bytes(7)))
	return c.add(hears("server", "request").of(7, nil).id(3))
}

func wraparound() *oneConnection {
	c := begin(false, 0, nil).open(smallHello(), smallHello(), false)
	for _, id := range []uint32{1<<32 - 2, 1<<32 - 1} {
		c.record("client", short(kindRequest, uint32Bytes(id), uint32Bytes(7)))
		c.add(hears("server", "request").of(7, nil).id(id))
	}
	// The cancel of 2 is early, as 2 is after the highest id.
	c.record("client", short(kindCancel, uint32Bytes(2)), short(kindRequest, uint32Bytes(1), uint32Bytes(7)), short(kindRequest, uint32Bytes(2), uint32Bytes(7)))
	c.add(hears("server", "request").of(7, nil).id(1))
	c.record("client", short(kindRequest, uint32Bytes(1), uint32Bytes(7)))
	return c.add(hears("server", "closed").failing(frameInvalid, ""))
}

func overrun() *oneConnection {
	const perRecord = mostFrameBytes / 8
	c := begin(false, 0, nil).open(smallHello(), smallHello(), false)
	empty := short(kindMessage, uint32Bytes(7)).Head
	rest := (65536+perRecord*emptyWeight)/emptyWeight - perRecord
	for _, times := range []int{perRecord, rest} {
		c.add(connectionStep{From: "client", Frame: empty, Times: times}, connectionStep{At: "server", Hears: "message", Times: times, Type: number(7), Data: bytesOf(nil)})
	}
	c.add(connectionStep{From: "client", Frame: empty, Times: 1})
	return c.add(hears("server", "closed").failing("ERR_WINDOW_EXCEEDED", ""))
}

func unsolicited() *oneConnection {
	c := begin(true, 0, nil)
	c.hello("client", smallHello())
	c.hello("server", smallHello().with("new", bytes.Repeat([]byte{1}, 16), nil, nil))
	return c.add(hears("client", "closed").failing(frameInvalid, ""))
}

func afterClose() *oneConnection {
	c := begin(false, 0, nil).open(smallHello(), smallHello(), false)
	c.record("client", short(kindClose), short(kindMessage, uint32Bytes(7)), short(0x7f))
	c.add(hears("server", "closed"))
	return c.record("server", short(kindClose))
}
