// Package sidecar is the child's half of a program that its parent starts with a channel of its own: spawnSidecar, in the language
// of the parent. The program ends when its parent does, however that ends.
package sidecar

import (
	"fmt"
	"math"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"sealpipe"
)

// Options of Listen. The zero value of each is its default.
type Options struct {
	// Listen are those of the listener, without what the parent decides: Directory, PrivateDirectory, DisableEncryption, Profile,
	// Secret, SecretFile and UnmaskPermissions.
	Listen sealpipe.Options
	// HandOverTimeout is how long the parent may take to hand over the channel. Default 10 s.
	HandOverTimeout time.Duration
	// DrainTimeout is how long this process may take to end after its parent has ended, or has closed the standard input; then it
	// is killed. Default 5 s.
	DrainTimeout time.Duration
	// OnEnd is called once, when this process has to end, and waited for; the listener is closed after it, and then the process
	// exits: with 1 after an error, which is written to the standard error, if the parent asked.
	OnEnd func(End) error
}

// Cause is who wants a sidecar to end.
type Cause string

const (
	// ByParent: the parent has ended, or has closed the standard input.
	ByParent Cause = "parent"
	// ByRequest: the parent has asked for a shutdown, or this process got SIGTERM.
	ByRequest Cause = "asked"
)

// End is why a sidecar has to end.
type End struct {
	By Cause
	// Reason is what the parent said, if it asked.
	Reason string
}

// taken: the standard input has one reader.
var taken atomic.Bool

// Listen takes over the channel from the process that started this one, and listens. It is called once, early. The standard input
// belongs to the parent: nobody else reads it. When the parent ends, asks for it or sends SIGTERM, OnEnd is called, the listener
// is closed and the process exits; after the parent's end no later than DrainTimeout. What this process has started itself ends
// with it, by SIGKILL to its process group. Output that nobody reads any more does not end the process.
//
// Errors are ErrNoParent if the first line of the standard input is no hand-over, ErrAddressUntrusted if the channel's directory is
// not this user's alone, ErrInvalidOption, and those of sealpipe.Listen. On Windows what this process has started itself is not
// ended with it.
func Listen(options *Options) (*sealpipe.Listener, error) {
	o, err := parse(options)
	if err != nil {
		return nil, err
	}
	if taken.Swap(true) {
		return nil, noParent("the channel is taken over already", nil)
	}
	outliveReaders()
	l := newLease(os.Stdin, o.DrainTimeout)
	handed, err := handOverOf(l, o.HandOverTimeout)
	if err != nil {
		l.release()
		return nil, err
	}
	l.hold(handed.Directory, handed.Group)
	listener, err := listen(o, handed)
	if err != nil {
		l.release()
		return nil, err
	}
	endWith(l, listener, o.OnEnd)
	return listener, nil
}

func parse(given *Options) (Options, error) {
	o := Options{}
	if given != nil {
		o = *given
	}
	for name, isGiven := range map[string]bool{
		"Directory": o.Listen.Directory != "", "PrivateDirectory": o.Listen.PrivateDirectory,
		"DisableEncryption": o.Listen.DisableEncryption, "Profile": o.Listen.Profile != "", "Secret": o.Listen.Secret != nil,
		"SecretFile": o.Listen.SecretFile != "", "UnmaskPermissions": o.Listen.UnmaskPermissions,
	} {
		if isGiven {
			return o, failure(sealpipe.ErrInvalidOption, nil, "the option %s is decided by the parent", name)
		}
	}
	for name, time := range map[string]*time.Duration{"HandOverTimeout": &o.HandOverTimeout, "DrainTimeout": &o.DrainTimeout} {
		if err := checkTime(name, time); err != nil {
			return o, err
		}
	}
	return o, nil
}

func checkTime(name string, value *time.Duration) error {
	switch {
	case *value == 0 && name == "DrainTimeout":
		*value = 5 * time.Second
	case *value == 0:
		*value = 10 * time.Second
	case *value < time.Millisecond || *value > math.MaxInt32*time.Millisecond:
		return failure(sealpipe.ErrInvalidOption, nil, "the option %s must be from a millisecond to 24 days", name)
	}
	return nil
}

func failure(code sealpipe.Code, cause error, format string, args ...any) error {
	return &sealpipe.Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: cause}
}

func noParent(why string, cause error) error {
	return failure(sealpipe.ErrNoParent, cause, "no parent has handed over a channel: %s; this program is started by spawnSidecar", why)
}

func handOverOf(l *lease, timeout time.Duration) (*handOver, error) {
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case line := <-l.line:
		if line == nil {
			return nil, noParent("the standard input has ended before its first line", nil)
		}
		defer clear(line)
		return decodeHandOver(line)
	case <-late.C:
		return nil, noParent(fmt.Sprintf("the standard input had no line within %v", timeout), nil)
	}
}

func listen(o Options, handed *handOver) (*sealpipe.Listener, error) {
	if handed.Directory != "" {
		if err := makePrivate(handed.Directory); err != nil {
			return nil, err
		}
	}
	options := o.Listen
	options.Directory, options.Secret, options.Profile = handed.Directory, handed.Secret, sealpipe.ProfileNative
	return sealpipe.Listen(handed.Name, &options)
}

func endWith(l *lease, listener *sealpipe.Listener, onEnd func(End) error) {
	var once sync.Once
	end := func(why End) {
		once.Do(func() {
			exitCode := 0
			if onEnd != nil {
				if err := onEnd(why); err != nil {
					fmt.Fprintln(os.Stderr, err)
					exitCode = 1
				}
			}
			_ = listener.Close()
			// A parent that lives removes the directory, and ends what this process has started.
			if why.By == ByParent {
				l.die()
			}
			os.Exit(exitCode)
		})
	}
	listener.AllowDescribe(true)
	listener.AllowShutdown(func(r *sealpipe.ShutdownRequest) error {
		end(End{ByRequest, r.Reason})
		return nil
	})
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, terminates)
	go func() {
		select {
		case <-terminated:
			end(End{ByRequest, "SIGTERM"})
		case <-l.ended:
			end(End{By: ByParent})
		}
	}()
}
