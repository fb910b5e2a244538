package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const nativeContextDescription = "Whole native sessions in which requests and streams have contexts, as in native-streams.json, with " +
	"hellos whose features are streams, context and admin. A request or a stream with a traceparent, and perhaps a tracestate, " +
	"has these as its context, where it is made and where it is heard. All bytes are lower-case hex."

const nativeAdminDescription = "Whole native sessions with requests to the library itself, as in native-context.json. All bytes are " +
	"lower-case hex."

const (
	kindRequestContext = 0x23
	kindAdminRequest   = 0x24
	kindStreamContext  = 0x49

	tracing       = 0x01 | 0x02 | 0x08
	contextWeight = 4 + 4 + 26 + frameOverhead
	requestWeight = 4 + 8 + frameOverhead
	parentText    = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	stateText     = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
)

func tracingOffers(streams uint64) offers {
	made := streamOffers(streams)
	made.Features = tracing
	return made
}

func (c *oneConnection) openTracing(client, server helloContent, resumed bool) *oneConnection {
	c.helloOffering("client", client, tracingOffers(0))
	c.add(connectionStep{At: "server", Hears: "open", Resumed: &resumed})
	c.helloOffering("server", server, tracingOffers(0))
	return c.add(connectionStep{At: "client", Hears: "open", Resumed: &resumed})
}

func traced(c *oneConnection) *oneConnection {
	return c.openTracing(smallHello(), smallHello(), false)
}

// contextOf has the fields of the text one after the other.
func contextOf(kind byte, id uint32, parent, state string) nativeFrame {
	fields, err := hex.DecodeString(strings.ReplaceAll(parent, "-", ""))
	check(err == nil && len(fields) == 26, "%s is a traceparent", parent)
	return short(kind, uint32Bytes(id), fields, []byte(state))
}

func (s connectionStep) in(parent, state string) connectionStep {
	s.Traceparent, s.Tracestate = parent, state
	return s
}

func (s connectionStep) operating(operation uint32, data []byte) connectionStep {
	s.Operation, s.Data = number(operation), bytesOf(data)
	return s
}

func requestOf(id, kind uint32, data []byte) nativeFrame {
	return short(kindRequest, uint32Bytes(id), uint32Bytes(kind), data)
}

func nativeContextVectors() []connectionVector {
	server := []string{"server"}
	refused := func(name string, frames ...nativeFrame) connectionVector {
		c := traced(begin(false, 0, nil))
		for _, frame := range frames {
			c.add(connectionStep{From: "client", Frame: frame.Head, Times: 1})
		}
		c.add(hears("server", "closed").failing(frameInvalid, ""))
		return connectionVector{Name: name, Roles: server, Connections: []*oneConnection{c}}
	}
	context := contextOf(kindRequestContext, 1, parentText, "")
	changed := func(from, to string) nativeFrame {
		return contextOf(kindRequestContext, 1, strings.Replace(parentText, from, to, 1), "")
	}
	return []connectionVector{
		{Name: "Encrypted: requests and streams of both sides in traces, and without.", Roles: bothRoles, Encrypted: true, Connections: []*oneConnection{traces(true)}},
		{Name: "Plain: the same.", Roles: bothRoles, Connections: []*oneConnection{traces(false)}},
		laterVersion(), cancelledInTrace(), resumesAfterContext("client"), resumesAfterContext("server"),
		refused("A context, and then the request of another id.", context, requestOf(2, 5, nil)),
		refused("Two contexts.", context, context),
		refused("A context, and then a request to the library.", context, short(kindAdminRequest, uint32Bytes(1), []byte{1})),
		refused("The context of a stream, and then an item.", contextOf(kindStreamContext, 1, parentText, ""), short(kindItem, uint32Bytes(1))),
		refused("A context that is cut short.", short(kindRequestContext, uint32Bytes(1), make([]byte, 25))),
		refused("The version ff.", changed("00-0a", "ff-0a")),
		refused("A trace id of zeros.", changed("0af7651916cd43dd8448eb211c80319c", strings.Repeat("0", 32))),
		refused("A parent id of zeros.", changed("b7ad6b7169203331", strings.Repeat("0", 16))),
		refused("A tracestate of 513 bytes.", contextOf(kindRequestContext, 1, parentText, strings.Repeat("a", 513))),
		refused("A tracestate with a byte that is not printable.", contextOf(kindRequestContext, 1, parentText, "a=\x1f")),
		refused("A tracestate with a byte above 7e.", contextOf(kindRequestContext, 1, parentText, "a=\x7f")),
	}
}

func traces(encrypted bool) *oneConnection {
	c := traced(begin(encrypted, 0, nil))
	asks := func(from, to string, id uint32, data []byte, parent, state string) {
		c.add(does(from, "request").of(5, data).id(id).in(parent, state))
		frames := []nativeFrame{requestOf(id, 5, data)}
		if parent != "" {
			frames = append([]nativeFrame{contextOf(kindRequestContext, id, parent, state)}, frames...)
		}
		c.record(from, frames...)
		c.add(hears(to, "request").of(5, data).id(id).in(parent, state), consumes(to, "requests"))
	}
	asks("client", "server", 1, pattern(3, 1), parentText, stateText)
	asks("client", "server", 2, nil, "", "")
	asks("server", "client", 1, nil, parentText, "")
	opens := func(from, to string, id uint32, parent, state string) {
		c.add(does(from, "stream-open").of(6, pattern(2, 1)).id(id).in(parent, state))
		c.record(from, contextOf(kindStreamContext, id, parent, state), short(kindStreamOpen, uint32Bytes(id), uint32Bytes(6), pattern(2, 1)))
		c.add(hears(to, "stream").of(6, pattern(2, 1)).id(id).in(parent, state))
	}
	opens("client", "server", 1, parentText, strings.Repeat("~", 512))
	opens("server", "client", 2, parentText, "")
	ofServers := streamsAnd(contextWeight+requestWeight, contextWeight+openWeight+2)
	ofClients := streamsAnd(contextWeight+uint64(len(stateText))+2*requestWeight+3, contextWeight+512+openWeight+2)
	return c.closingAfter("client", "server", ofServers, ofClients)
}

// streamsAnd acknowledges what has arrived of requests and of streams.
func streamsAnd(requests, streams uint64) nativeFrame {
	return short(kindAcknowledge, positions{0, requests, 0}.bytes(), uint64Bytes(streams))
}

// laterVersion is read by the fields of version 00, and has more flags than are known.
func laterVersion() connectionVector {
	c := traced(begin(false, 0, nil))
	later := strings.Replace(parentText, "00-", "cc-", 1)
	c.record("client", contextOf(kindRequestContext, 1, strings.Replace(later, "-01", "-ff", 1), ""), requestOf(1, 5, nil))
	c.add(hears("server", "request").of(5, nil).id(1).in(strings.Replace(parentText, "-01", "-ff", 1), ""))
	return connectionVector{Name: "A version that is not known yet.", Roles: []string{"server"}, Connections: []*oneConnection{c}}
}

func cancelledInTrace() connectionVector {
	c := traced(begin(false, 0, nil))
	c.record("client", short(kindCancel, uint32Bytes(1)))
	c.record("client", contextOf(kindRequestContext, 1, parentText, ""), requestOf(1, 5, nil), requestOf(2, 5, nil))
	c.add(hears("server", "request").of(5, nil).id(2))
	return connectionVector{Name: "An early cancel drops the context, too.", Roles: []string{"server"}, Connections: []*oneConnection{c}}
}

// resumesAfterContext has a server that received a context, and not the request that follows.
func resumesAfterContext(role string) connectionVector {
	id := pattern(16, 7)
	context, request := contextOf(kindRequestContext, 1, parentText, ""), requestOf(1, 5, pattern(3, 1))
	first := begin(false, 0, nil).openTracing(smallHello().with("new", nil, nil, nil), smallHello().with("new", id, nil, nil), false)
	first.add(does("client", "request").of(5, pattern(3, 1)).id(1).in(parentText, ""))
	if role == "client" {
		first.record("client", context, request)
	} else {
		first.record("client", context)
	}
	first.add(does("client", "cut"), does("server", "cut"))
	first.add(hears("client", "closed").failing(lostCode, ""), hears("server", "closed").failing(lostCode, ""))

	second := begin(false, 1, nil)
	digest := sha256.Sum256(id)
	received := positions{0, contextWeight, 0}
	wish := smallHello().with("resume", id, &positions{}, proofOfFour("client", digest[:], id, positions{}))
	answer := smallHello().with("resumed", nil, &received, proofOfFour("server", digest[:], id, received))
	second.openTracing(wish, answer, true)
	second.record("client", request)
	second.add(hears("server", "request").of(5, pattern(3, 1)).id(1).in(parentText, ""))
	return connectionVector{Name: "Resumed between a context and its request, at the " + role + ".", Roles: []string{role},
		Resumable: true, SessionID: id, Connections: []*oneConnection{first, second}}
}

func nativeAdminVectors() []connectionVector {
	refused := func(name, by string, frames ...nativeFrame) connectionVector {
		from := map[string]string{"server": "client", "client": "server"}[by]
		c := traced(begin(false, 0, nil))
		for _, frame := range frames {
			c.add(connectionStep{From: from, Frame: frame.Head, Times: 1})
		}
		c.add(hears(by, "closed").failing(frameInvalid, ""))
		return connectionVector{Name: name, Roles: []string{by}, Connections: []*oneConnection{c}}
	}
	asked := func(id uint32, operation byte, data []byte) nativeFrame {
		return short(kindAdminRequest, uint32Bytes(id), []byte{operation}, data)
	}
	return []connectionVector{
		{Name: "A description, a shutdown, and what is not allowed.", Roles: bothRoles, Encrypted: true, Connections: []*oneConnection{admin()}},
		refused("A server asks.", "client", asked(1, 1, nil)),
		refused("More data than there may be.", "server", asked(1, 2, make([]byte, 1025))),
		refused("The id 0.", "server", asked(0, 1, nil)),
		refused("Without an operation.", "server", short(kindAdminRequest, uint32Bytes(1))),
		mostData(),
	}
}

func admin() *oneConnection {
	c := traced(begin(true, 0, nil))
	asks := func(id, operation uint32, data []byte) {
		c.add(does("client", "admin-request").id(id).operating(operation, data))
		c.record("client", short(kindAdminRequest, uint32Bytes(id), []byte{byte(operation)}, data))
		c.add(hears("server", "admin-request").id(id).operating(operation, data), consumes("server", "requests"))
	}
	asks(1, 1, nil)
	c.answers(1, []byte("{}"))
	c.add(does("client", "request").of(1, nil).id(2))
	c.record("client", requestOf(2, 1, nil))
	c.add(hears("server", "request").of(1, nil).id(2), consumes("server", "requests"))
	asks(3, 2, []byte("é"))
	c.answers(3, nil)
	asks(4, 255, pattern(3, 1))
	c.fails(4, "ERR_NOT_ALLOWED", "é")
	asks(5, 1, nil)
	c.add(does("client", "cancel").id(5))
	c.record("client", short(kindCancel, uint32Bytes(5)))
	c.add(hears("server", "cancel").id(5))
	return c
}

func mostData() connectionVector {
	c := traced(begin(false, 0, nil))
	c.record("client", short(kindAdminRequest, uint32Bytes(7), []byte{2}, pattern(1024, 1)))
	c.add(hears("server", "admin-request").id(7).operating(2, pattern(1024, 1)))
	return connectionVector{Name: "As much data as there may be.", Roles: []string{"server"}, Connections: []*oneConnection{c}}
}
