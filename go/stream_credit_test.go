package sealpipe

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

func TestAWriterOfAStreamGoesOnIfItsPeerComesBackWithALargerWindow(t *testing.T) {
	name := fmt.Sprintf("sealpipe-test-credit-go-%d-1", os.Getpid())
	listener, err := Listen(name, &Options{StreamWindowBytes: 65_536})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, err := Dial(ctx, name, &Options{RetryDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	listener.HandleStream(1, func(ctx context.Context, _ *Stream) error {
		<-ctx.Done()
		return nil
	})
	stream, err := client.OpenStream(ctx, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	const items = 10
	written := make(chan int, items)
	go func() {
		defer close(written)
		for range items {
			if stream.Write(ctx, make([]byte, 20_000)) != nil {
				return
			}
			written <- 1
		}
	}()
	// The window is full after four of them.
	for range 4 {
		<-written
	}
	listener.mu.Lock()
	listener.config.StreamWindowBytes = 1_048_576
	listener.mu.Unlock()
	client.mu.Lock()
	_ = client.link.transport.Close()
	client.mu.Unlock()
	more := 0
	for range written {
		more++
	}
	if more != items-4 {
		t.Errorf("%d more items were written", more)
	}
}
