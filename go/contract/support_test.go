package contract

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sealpipe"
	"sealpipe/internal/leaktest"
)

// TestMain sees that no goroutine and no socket is left.
func TestMain(m *testing.M) {
	os.Exit(leaktest.Run(m, fmt.Sprintf("/tmp/sealpipe-test-*-contract-%d-*", os.Getpid())))
}

var names atomic.Int64

// freshName is one that no other test has, and nobody else on the machine.
func freshName() string {
	return fmt.Sprintf("sealpipe-test-contract-%d-%d", os.Getpid(), names.Add(1))
}

// contractOf is a contract with these members, as JSON.
func contractOf(t testing.TB, name, version, members string) *Contract {
	t.Helper()
	c, err := Parse(fmt.Sprintf(`{"codec":"json","members":{%s},"name":%q,"sealpipe":"contract/1","version":%q}`, members, name, version))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// timed is a context that ends a test that hangs.
func timed(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// reports are what a program is told of.
type reports struct {
	mu  sync.Mutex
	all []error
	got chan struct{}
}

func newReports() *reports { return &reports{got: make(chan struct{}, 100)} }

func (r *reports) report(_ *sealpipe.Conn, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, err)
	r.got <- struct{}{}
}

func (r *reports) list() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]error{}, r.all...)
}

// serving implements a contract until the test ends.
func serving(t testing.TB, c *Contract, report Report) (*Implementation, string) {
	t.Helper()
	name := freshName()
	i, err := Serve(name, c, nil, report, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	return i, name
}

// calling calls a contract until the test ends.
func calling(t testing.TB, name string, c *Contract, report Report) *Caller {
	t.Helper()
	caller, err := Dial(timed(t), name, c, &sealpipe.Options{RetryDelay: 5 * time.Millisecond}, report)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { caller.Conn().Destroy(nil) })
	return caller
}
