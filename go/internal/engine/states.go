package engine

import "fmt"

// State is the state of a connection. Source: spec/protocol.md, "States".
type State string

const (
	ClientAwaitsHello        State = "client-awaits-hello"
	ClientAwaitsServerKey    State = "client-awaits-server-key"
	ClientAwaitsMaximumSize  State = "client-awaits-maximum-size"
	ClientAwaitsNativeHello  State = "client-awaits-native-hello"
	ServerAwaitsAnswer       State = "server-awaits-answer"
	ServerAwaitsClientKey    State = "server-awaits-client-key"
	ServerAwaitsConfirmation State = "server-awaits-confirmation"
	ServerAwaitsNativeHello  State = "server-awaits-native-hello"
	// ServerAwaitsSession is a server whose client wants to resume a session: AnswerResume says whether there is one.
	ServerAwaitsSession State = "server-awaits-session"
	Open                State = "open"
	Closing             State = "closing"
	Closed              State = "closed"
)

// input is what can happen: a part from the peer, a call of this end, or a timeout.
type input string

const (
	plainHello          input = "plain-hello"
	encryptedHello      input = "encrypted-hello"
	serverKey           input = "server-key"
	maximumSize         input = "maximum-size"
	nativeMaximumSize   input = "native-maximum-size"
	plainAcceptance     input = "plain-acceptance"
	encryptedAcceptance input = "encrypted-acceptance"
	clientKey           input = "client-key"
	confirmation        input = "confirmation"
	nativeConfirmation  input = "native-confirmation"
	nativeHello         input = "native-hello"
	resumingHello       input = "resuming-hello"
	sessionFound        input = "session"
	message             input = "message"
	discard             input = "discard"
	closeCall           input = "close"
	end                 input = "end"
	faulty              input = "fault"
	timeout             input = "timeout"
)

// transitions has every allowed pair of state and input, and the state it leads to. A test compares it with the
// spec's table.
var transitions = map[State]map[input]State{
	ClientAwaitsHello: {
		plainHello: ClientAwaitsMaximumSize, encryptedHello: ClientAwaitsServerKey,
		closeCall: ClientAwaitsHello, end: Closed, faulty: Closed, timeout: Closed,
	},
	ClientAwaitsServerKey: {
		serverKey: ClientAwaitsMaximumSize,
		closeCall: ClientAwaitsServerKey, end: Closed, faulty: Closed, timeout: Closed,
	},
	ClientAwaitsMaximumSize: {
		maximumSize: Open, nativeMaximumSize: ClientAwaitsNativeHello,
		closeCall: ClientAwaitsMaximumSize, end: Closed, faulty: Closed, timeout: Closed,
	},
	ClientAwaitsNativeHello: {
		nativeHello: Open,
		closeCall:   ClientAwaitsNativeHello, end: Closed, faulty: Closed, timeout: Closed,
	},
	ServerAwaitsAnswer: {
		plainAcceptance: ServerAwaitsConfirmation, encryptedAcceptance: ServerAwaitsClientKey,
		closeCall: ServerAwaitsAnswer, end: Closed, faulty: Closed, timeout: Closed,
	},
	ServerAwaitsClientKey: {
		clientKey: ServerAwaitsConfirmation,
		closeCall: ServerAwaitsClientKey, end: Closed, faulty: Closed, timeout: Closed,
	},
	// Any byte is a confirmation, so there is no fault.
	ServerAwaitsConfirmation: {
		confirmation: Open, nativeConfirmation: ServerAwaitsNativeHello,
		closeCall: ServerAwaitsConfirmation, end: Closed, timeout: Closed,
	},
	ServerAwaitsNativeHello: {
		nativeHello: Open, resumingHello: ServerAwaitsSession,
		closeCall: ServerAwaitsNativeHello, end: Closed, faulty: Closed, timeout: Closed,
	},
	ServerAwaitsSession: {
		sessionFound: Open,
		closeCall:    ServerAwaitsSession, end: Closed, faulty: Closed, timeout: Closed,
	},
	Open:    {message: Open, closeCall: Closing, end: Closed, faulty: Closed, timeout: Closed},
	Closing: {discard: Closing, closeCall: Closing, end: Closed, faulty: Closed, timeout: Closed},
	Closed:  {discard: Closed, closeCall: Closed, end: Closed},
}

// next is the state that an input leads to. A pair that the table lacks is a defect of this library, never the peer's
// fault.
func (s State) next(in input) State {
	next, ok := transitions[s][in]
	if !ok {
		panic(fmt.Sprintf("sealpipe: the engine's table has no %q in state %q", in, s))
	}
	return next
}
