package sealpipe_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"sealpipe"
)

func TestAListenerIsPreparedBeforeAnyClientCanConnect(t *testing.T) {
	prepared := false
	_, name := listen(t, &sealpipe.Options{Prepare: func(l *sealpipe.Listener) error {
		if _, err := os.Stat(l.Address()); runtime.GOOS != "windows" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("its address is there: %v", err)
		}
		prepared = true
		l.Handle(1, func(context.Context, *sealpipe.Request) ([]byte, error) { return []byte("handled"), nil })
		l.AllowDescribe(true)
		return nil
	}})
	answer, err := dial(t, name, nil).Request(soon(t), 1, nil)
	if !prepared || string(answer) != "handled" || err != nil {
		t.Errorf("%t, %q, %v", prepared, answer, err)
	}
}

func TestAListenerThatCannotBePreparedDoesNotListen(t *testing.T) {
	wrong := errors.New("no configuration")
	for _, prepare := range []func(*sealpipe.Listener) error{
		func(*sealpipe.Listener) error { return wrong },
		func(l *sealpipe.Listener) error {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			return nil
		},
	} {
		name := freshName()
		listener, err := sealpipe.Listen(name, &sealpipe.Options{Prepare: prepare})
		if listener != nil || !errors.Is(err, wrong) && !errors.Is(err, sealpipe.ErrClosed) {
			t.Errorf("%v, %v", listener, err)
		}
		if _, err := os.Stat("/tmp/" + name + ".sock"); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}
