package main

const nativeFeaturesDescription = "The native profile's hellos with what follows their session, the features and what " +
	"belongs to them, and the hellos by which a server refuses a client's. Otherwise as in native-hello.json, whose hellos " +
	"are those of ends without features. All bytes are lower-case hex."

type offers struct {
	Features             uint32             `json:"features"`
	StreamLaneWindow     uint32             `json:"streamLaneWindow"`
	MaxConcurrentStreams uint32             `json:"maxConcurrentStreams"`
	StreamWindow         uint32             `json:"streamWindow"`
	ReceivedStreams      uint64             `json:"receivedStreams"`
	Codec                string             `json:"codec"`
	Contracts            []contractIdentity `json:"contracts"`
	SessionEnded         string             `json:"sessionEnded,omitempty"`
}

type contractIdentity struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Hash    hexBytes `json:"hash"`
}

func nativeFeatureVectors() []nativeHelloVector {
	id, received, mac := pattern(16, 5), &positions{70, 1 << 32, 1<<53 - 1}, pattern(32, 6)
	contract := contractIdentity{"my-daemon", "2.1.0", pattern(32, 7)}
	other := contractIdentity{"Grüße", "", pattern(32, 8)}
	none, some, all := noOffers(), usualOffers(), usualOffers()
	some.Codec, some.Contracts = "json", []contractIdentity{contract}
	all.Features, all.Contracts = 1<<32-1, []contractIdentity{contract, other}
	ended := usualOffers()
	ended.SessionEnded = "ERR_FELL_BEHIND"
	resumes := usualOffers()
	resumes.ReceivedStreams = 1<<53 - 1
	refuses := func(code, message string) helloContent {
		content := usualHello()
		content.Session, content.Code, content.Message = "refused", &code, &message
		return content
	}
	return append([]nativeHelloVector{
		hello("A client without a feature.", "client", usualHello().offering(none)),
		hello("A client with all features, a codec and a contract.", "client", usualHello().with("new", nil, nil, nil).offering(some)),
		hello("A server with all features.", "server", usualHello().with("new", id, nil, nil).offering(usualOffers())),
		hello("Features that nobody knows, and two contracts.", "server", usualHello().offering(all)),
		hello("A client that comes back to a session with streams.", "client", usualHello().with("resume", id, received, mac).offering(resumes)),
		hello("A server that knows a session with streams.", "server", usualHello().with("resumed", nil, received, mac).offering(resumes)),
		hello("A server that says why the session is over.", "server", usualHello().with("new", id, nil, nil).offering(ended)),
		hello("A server that refuses.", "server", refuses(frameInvalid, "a window of 65535 bytes").offering(none)),
		hello("A server that refuses with a code that nobody knows.", "server", refuses("ERR_1", "").offering(none)),
		hello("A server without features that refuses.", "server", refuses("ERR_AUTHENTICATION_FAILED", "é")),
	}, badOffers()...)
}

const nativeFeatureFramesDescription = "Frames that need a feature: in a session in which both ends have set it, a receiver makes " +
	"of each what `says` has, for a request of that id which it has asked, and without the feature, or with an outcome, it ends with " +
	"the code. All bytes are lower-case hex."

// featureFrame is one frame, and what it needs.
type featureFrame struct {
	Name    string       `json:"name"`
	Feature string       `json:"feature"`
	Frame   hexBytes     `json:"frame"`
	Says    *failureSaid `json:"says,omitempty"`
	Outcome string       `json:"outcome,omitempty"`
}

type failureSaid struct {
	ID      uint32   `json:"id"`
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Data    hexBytes `json:"data"`
}

const kindFailureWithData = 0x35

func nativeFeatureFrames() []featureFrame {
	says := func(name, code, message string, data []byte) featureFrame {
		frame := short(kindFailureWithData, uint32Bytes(1), textBytes(code), uint32Bytes(uint32(len(message)))[2:], []byte(message), data)
		return featureFrame{Name: name, Feature: "failure-data", Frame: frame.Head, Says: &failureSaid{1, code, message, append(hexBytes{}, data...)}}
	}
	bad := func(name string, fields ...[]byte) featureFrame {
		frame := short(kindFailureWithData, append([][]byte{uint32Bytes(1)}, fields...)...)
		return featureFrame{Name: name, Feature: "failure-data", Frame: frame.Head, Outcome: frameInvalid}
	}
	return []featureFrame{
		says("A failure with data.", "NOT_FOUND", "Grüße €", pattern(5, 1)),
		says("Without a message, and with data that are empty.", "E", "", nil),
		bad("The code is cut short.", textBytes("NO")[:2], []byte{0}),
		bad("There is no code.", []byte{0}, []byte{0, 1}, []byte("x")),
		bad("The length of the message is cut short.", textBytes("NO"), []byte{0}),
		bad("The message is cut short.", textBytes("NO"), []byte{0, 4}, []byte("why")),
	}
}

func noOffers() offers {
	return offers{StreamLaneWindow: 65536, StreamWindow: 65536, Contracts: []contractIdentity{}}
}

func usualOffers() offers {
	return offers{Features: 15, StreamLaneWindow: 2097152, MaxConcurrentStreams: 256, StreamWindow: 262144, Contracts: []contractIdentity{}}
}

func (h helloContent) offering(given offers) helloContent {
	h.Offers = &given
	return h
}

func (o offers) bytes() []byte {
	var body []byte
	for _, number := range []uint32{o.Features, o.StreamLaneWindow, o.MaxConcurrentStreams, o.StreamWindow} {
		body = append(body, uint32Bytes(number)...)
	}
	body = append(body, uint64Bytes(o.ReceivedStreams)...)
	body = append(body, textBytes(o.Codec)...)
	body = append(body, byte(len(o.Contracts)))
	for _, contract := range o.Contracts {
		body = append(body, join(textBytes(contract.Name), textBytes(contract.Version), contract.Hash)...)
	}
	if o.SessionEnded != "" {
		body = append(body, textBytes(o.SessionEnded)...)
	}
	return body
}

func textBytes(text string) []byte {
	return append([]byte{byte(len(text))}, text...)
}

func badOffers() []nativeHelloVector {
	bad := func(name string, change func(*offers)) nativeHelloVector {
		given := usualOffers()
		change(&given)
		body := hexBytes(helloBody(usualHello().offering(given)))
		return nativeHelloVector{Name: name, From: "client", Body: &body, Outcome: frameInvalid}
	}
	cut := hexBytes(join(helloBody(usualHello()), []byte{0, 0, 0}))
	session := len(helloBody(usualHello())) - 1
	ended := usualOffers()
	ended.SessionEnded = "fell behind"
	noCodeOfTheEnd := hexBytes(helloBody(usualHello().with("new", pattern(16, 5), nil, nil).offering(ended)))
	noCode := hexBytes(join(helloBody(usualHello())[:session], []byte{3, 0, 0}))
	return []nativeHelloVector{
		{Name: "The features lack their last byte.", From: "client", Body: &cut, Outcome: frameInvalid},
		{Name: "A session that ended without a code.", From: "server", Body: &noCodeOfTheEnd, Outcome: frameInvalid},
		{Name: "A refusal without a code.", From: "server", Body: &noCode, Outcome: frameInvalid},
		bad("A window of the lane of streams below the least.", func(o *offers) { o.StreamLaneWindow = 65535 }),
		bad("A window of a stream above the most.", func(o *offers) { o.StreamWindow = 1 << 31 }),
		bad("A position of 2^53 in the lane of streams.", func(o *offers) { o.ReceivedStreams = 1 << 53 }),
		bad("Seventeen contracts.", func(o *offers) { o.Contracts = make([]contractIdentity, 17) }),
	}
}
