package sealpipe_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"sealpipe"
	"sealpipe/internal/leaktest"
)

// patience is for what happens at once unless something is broken.
const patience = 20 * time.Second

var lastName atomic.Int64

// freshName is one that nothing else on this machine uses.
func freshName() string {
	run := os.Getenv("SEALPIPE_TEST_RUN")
	return fmt.Sprintf("sealpipe-test-%s-go-%d-%d", run[:min(8, len(run))], os.Getpid(), lastName.Add(1))
}

// TestMain sees that no goroutine and no socket is left.
func TestMain(m *testing.M) {
	os.Exit(leaktest.Run(m, fmt.Sprintf("/tmp/sealpipe-test-*-go-%d-*", os.Getpid())))
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func listen(t testing.TB, options *sealpipe.Options) (*sealpipe.Listener, string) {
	t.Helper()
	name := freshName()
	listener, err := sealpipe.Listen(name, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener, name
}

func dial(t testing.TB, name string, options *sealpipe.Options) *sealpipe.Conn {
	t.Helper()
	client, err := sealpipe.Dial(soon(t), name, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// pair is a client and the server's end of it.
func pair(t testing.TB, server, client *sealpipe.Options) (*sealpipe.Conn, *sealpipe.Conn) {
	t.Helper()
	listener, name := listen(t, server)
	dialled := dial(t, name, client)
	accepted, err := listener.Accept(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return accepted, dialled
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, c *sealpipe.Conn) sealpipe.Message {
	t.Helper()
	message, err := c.Read(soon(t))
	must(t, err)
	return message
}

// awaitStatus waits until the connection has it.
func awaitStatus(t testing.TB, c *sealpipe.Conn, want sealpipe.Status) {
	t.Helper()
	for deadline := time.Now().Add(patience); c.Status() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is %s, not %s: %v", c.Status(), want, c.Err())
		}
	}
}
