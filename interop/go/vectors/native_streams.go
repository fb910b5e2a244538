package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

const nativeStreamsDescription = "Whole native sessions with streams, as in native-connections.json, with hellos whose features " +
	"are streams alone, with a window of 65536 for their lane and for each direction of each stream, and two streams at a time. " +
	"consume-item is of the oldest item that was heard and is not consumed; with times, of as many. All bytes are lower-case hex."

const (
	kindStreamOpen   = 0x40
	kindItem         = 0x42
	kindStreamEnd    = 0x45
	kindStreamReset  = 0x46
	kindStopSending  = 0x47
	kindStreamCredit = 0x48

	openWeight, itemWeight = 4 + 8 + frameOverhead, 4 + 4 + frameOverhead
)

func streamOffers(received uint64) offers {
	made := noOffers()
	made.Features, made.MaxConcurrentStreams, made.ReceivedStreams = 1, 2, received
	return made
}

// openStreams is both hellos, and how much of the lane of streams each has received.
func (c *oneConnection) openStreams(client, server helloContent, received [2]uint64, resumed bool) *oneConnection {
	c.helloOffering("client", client, streamOffers(received[0]))
	c.add(connectionStep{At: "server", Hears: "open", Resumed: &resumed})
	c.helloOffering("server", server, streamOffers(received[1]))
	return c.add(connectionStep{At: "client", Hears: "open", Resumed: &resumed})
}

func acknowledgesStreams(streams uint64) nativeFrame {
	return short(kindAcknowledge, positions{}.bytes(), binary.BigEndian.AppendUint64(nil, streams))
}

func credits(id uint32, consumed uint64) nativeFrame {
	return short(kindStreamCredit, uint32Bytes(id), binary.BigEndian.AppendUint64(nil, consumed))
}

// streamProof is one over four positions, of which only the last is not 0.
func streamProof(side string, key, id []byte, streams uint64) []byte {
	return proofOver(side, key, id, positions{}, streams)
}

// proofOfFour is one whose lane of streams has received nothing.
func proofOfFour(side string, key, id []byte, received positions) []byte {
	return proofOver(side, key, id, received, 0)
}

func proofOver(side string, key, id []byte, received positions, streams uint64) []byte {
	made := hmac.New(sha256.New, key)
	made.Write(join([]byte(side), id, received.bytes(), binary.BigEndian.AppendUint64(nil, streams)))
	return made.Sum(nil)
}

func (c *oneConnection) opens(from, to string, id, kind uint32, data []byte) *oneConnection {
	c.add(does(from, "stream-open").of(kind, data).id(id))
	c.record(from, short(kindStreamOpen, uint32Bytes(id), uint32Bytes(kind), data))
	return c.add(hears(to, "stream").of(kind, data).id(id))
}

func (c *oneConnection) item(from, to string, id uint32, data []byte) *oneConnection {
	c.add(does(from, "item").id(id).with(data))
	c.record(from, short(kindItem, uint32Bytes(id), data))
	return c.add(hears(to, "item").id(id).with(data))
}

func (c *oneConnection) ends(from, to string, id uint32) *oneConnection {
	c.add(does(from, "stream-end").id(id))
	c.record(from, short(kindStreamEnd, uint32Bytes(id)))
	return c.add(hears(to, "stream-end").id(id))
}

func nativeStreamVectors() []connectionVector {
	return []connectionVector{
		{Name: "Encrypted: streams of both sides, with items both ways, ends, a reset and a stop.", Roles: bothRoles, Encrypted: true, Connections: []*oneConnection{streams(true)}},
		{Name: "Plain: the same.", Roles: bothRoles, Connections: []*oneConnection{streams(false)}},
		{Name: "Resets that cross.", Roles: bothRoles, Connections: []*oneConnection{crossing()}},
		{Name: "As many items as there is credit for, credit, and then too many.", Roles: []string{"server"}, Connections: []*oneConnection{credit()}},
		{Name: "An item after the end of its stream.", Roles: []string{"server"}, Connections: []*oneConnection{afterEnd()}},
		{Name: "One stream too many.", Roles: []string{"server"}, Connections: []*oneConnection{tooMany()}},
		resumesStreams(),
	}
}

func streams(encrypted bool) *oneConnection {
	c := begin(encrypted, 0, nil).openStreams(smallHello(), smallHello(), [2]uint64{}, false)
	c.opens("client", "server", 1, 5, pattern(3, 1)).item("client", "server", 1, pattern(4, 2)).item("server", "client", 1, nil)
	c.ends("server", "client", 1).ends("client", "server", 1)
	c.opens("server", "client", 2, 1<<32-1, nil)
	c.add(does("client", "stream-reset").id(2).failing("NO", "é"))
	c.record("client", short(kindStreamReset, uint32Bytes(2), textBytes("NO"), []byte("é")))
	c.add(hears("server", "stream-reset").id(2).failing("NO", "é"))
	c.opens("client", "server", 3, 6, nil)
	c.add(does("server", "stop-sending").id(3))
	c.record("server", short(kindStopSending, uint32Bytes(3)))
	c.add(hears("client", "stop-sending").id(3))
	c.record("client", short(kindStreamEnd, uint32Bytes(3)))
	c.add(hears("server", "stream-end").id(3))
	c.ends("server", "client", 3)
	clients := uint64(2*openWeight + 3 + itemWeight + 4 + 2*itemWeight + itemWeight + 3 + 2)
	servers := uint64(itemWeight + itemWeight + openWeight + 2*itemWeight)
	return c.closingAfter("client", "server", acknowledgesStreams(servers), acknowledgesStreams(clients))
}

func crossing() *oneConnection {
	c := begin(false, 0, nil).openStreams(smallHello(), smallHello(), [2]uint64{}, false)
	c.opens("client", "server", 1, 5, nil)
	reset := short(kindStreamReset, uint32Bytes(1), textBytes("X"))
	c.add(does("client", "stream-reset").id(1).failing("X", ""), does("server", "stream-reset").id(1).failing("X", ""))
	c.record("client", reset).record("server", reset)
	return c.closingAfter("client", "server", acknowledgesStreams(itemWeight+2), acknowledgesStreams(openWeight+itemWeight+2))
}

// flood is items without data, that many in one record.
func (c *oneConnection) flood(times int) *oneConnection {
	frame := short(kindItem, uint32Bytes(1)).Head
	return c.add(connectionStep{From: "client", Frame: frame, Times: times})
}

func credit() *oneConnection {
	c := begin(false, 0, nil).openStreams(smallHello(), smallHello(), [2]uint64{}, false)
	c.opens("client", "server", 1, 5, nil)
	// The last begins one byte before the window is full, or up to 71 more.
	first := 65536/itemWeight + 1
	heard := hears("server", "item").id(1).with(nil)
	heard.Times = first
	consumed := does("server", "consume-item").id(1)
	consumed.Times = first
	c.flood(first).add(heard, consumed)
	half := 65536/2/itemWeight + 1
	c.record("server", credits(1, uint64(half*itemWeight)), acknowledgesStreams(openWeight+uint64(first)*itemWeight))
	heard.Times = half - 1
	c.flood(heard.Times).add(heard)
	// What was granted is used up but for one item, which may begin.
	heard.Times = 1
	c.flood(1).add(heard).flood(1)
	return c.add(hears("server", "closed").failing("ERR_WINDOW_EXCEEDED", ""))
}

func afterEnd() *oneConnection {
	c := begin(false, 0, nil).openStreams(smallHello(), smallHello(), [2]uint64{}, false)
	c.opens("client", "server", 1, 5, nil).ends("client", "server", 1).flood(1)
	return c.add(hears("server", "closed").failing(frameInvalid, ""))
}

func tooMany() *oneConnection {
	c := begin(false, 0, nil).openStreams(smallHello(), smallHello(), [2]uint64{}, false)
	c.opens("client", "server", 1, 5, nil).opens("client", "server", 3, 5, nil)
	c.add(connectionStep{From: "client", Frame: short(kindStreamOpen, uint32Bytes(5), uint32Bytes(5)).Head, Times: 1})
	return c.add(hears("server", "closed").failing(frameInvalid, ""))
}

func resumesStreams() connectionVector {
	id := pattern(16, 7)
	first := begin(false, 0, nil).openStreams(smallHello().with("new", nil, nil, nil), smallHello().with("new", id, nil, nil), [2]uint64{}, false)
	first.opens("client", "server", 1, 5, nil).item("client", "server", 1, pattern(2, 1)).item("server", "client", 1, pattern(3, 1))
	first.add(does("client", "cut"), does("server", "cut"))
	first.add(hears("client", "closed").failing(lostCode, ""), hears("server", "closed").failing(lostCode, ""))
	first.add(does("client", "item").id(1).with(pattern(1, 1)), does("server", "item").id(1).with(nil))

	second := begin(false, 1, nil)
	digest := sha256.Sum256(id)
	clients, servers := uint64(itemWeight+3), uint64(openWeight+itemWeight+2)
	wish := smallHello().with("resume", id, &positions{}, streamProof("client", digest[:], id, clients))
	answer := smallHello().with("resumed", nil, &positions{}, streamProof("server", digest[:], id, servers))
	second.openStreams(wish, answer, [2]uint64{clients, servers}, true)
	second.record("client", short(kindItem, uint32Bytes(1), pattern(1, 1))).record("server", short(kindItem, uint32Bytes(1)))
	second.add(hears("server", "item").id(1).with(pattern(1, 1)), hears("client", "item").id(1).with(nil))
	second.closingAfter("client", "server", acknowledgesStreams(clients+itemWeight), acknowledgesStreams(servers+itemWeight+1))
	return connectionVector{Name: "A session with a stream that is resumed, plain.", Roles: bothRoles, Resumable: true, SessionID: id, Connections: []*oneConnection{first, second}}
}
