package sealpipe

import (
	"encoding/binary"
	"errors"
	"reflect"
	"testing"

	"sealpipe/internal/fault"
	"sealpipe/internal/wire"
)

// fill gives each number another value.
func fill(into reflect.Value, last *int64) {
	for index := range into.NumField() {
		if field := into.Field(index); field.Kind() == reflect.Struct {
			fill(field, last)
		} else {
			*last++
			field.SetInt(*last)
		}
	}
}

func TestAListenersStatsHaveAllNumbersOfItsConnectionsAndOnlyTheTotalsOfThoseThatAreOver(t *testing.T) {
	var one Stats
	fill(reflect.ValueOf(&one).Elem(), new(int64))
	want := one
	want.Asked.LastAnswer, want.RoundTrip = 0, 0
	var sum ListenerStats
	if sum.add(one); sum.Stats != want {
		t.Errorf("%+v is summed as %+v", one, sum.Stats)
	}
	want.Asked.Pending, want.Handled.Running, want.Handled.Waiting, want.QueuedBytes, want.UnreadBytes = 0, 0, 0, 0, 0
	var past ListenerStats
	if past.ended(one); past.Stats != want {
		t.Errorf("of %+v, %+v is left", one, past.Stats)
	}
}

func TestAListenerRemembersTheLastClientsThatFellBehindAndNoOthers(t *testing.T) {
	l := &Listener{resumable: map[wire.SessionID]*Conn{}}
	idOf := func(number int) (id wire.SessionID) {
		binary.BigEndian.PutUint32(id[:], uint32(number))
		return id
	}
	end := func(number int, err error) {
		c := &Conn{err: err}
		l.resumable[idOf(number)] = c
		l.ended(c)
	}
	for number := range maxFellBehind + 10 {
		end(number, fault.New(fault.QueueFull, "it does not read"))
	}
	for number, err := range []error{nil, errors.New("of the application"), fault.New(fault.ConnectionLost, "it is gone")} {
		end(1_000+number, err)
	}
	if len(l.fellBehind) != maxFellBehind || l.fellBehind[0] != idOf(10) || l.fellBehind[maxFellBehind-1] != idOf(maxFellBehind+9) {
		t.Errorf("%d are remembered: %x", len(l.fellBehind), l.fellBehind)
	}
	if len(l.resumable) > 0 {
		t.Errorf("%d that are over can be resumed", len(l.resumable))
	}
}
