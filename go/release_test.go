package sealpipe_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"sealpipe"
)

func TestTheMemoryOfAMessageThatWasReleasedIsUsedAgainAndNoOther(t *testing.T) {
	const size, count = 60_000, 400
	for _, itsSize := range []int{size, 300_000} {
		server, client := pair(t, nil, nil)
		go sendNumbered(client, itsSize, count)
		kept := map[int]sealpipe.Message{}
		released, usedAgain := map[*byte]bool{}, 0
		for value := range count {
			message := read(t, server)
			if !isNumbered(message.Data, value, itsSize) {
				t.Fatalf("message %d has other data", value)
			}
			if released[&message.Data[0]] {
				usedAgain++
			}
			if value%40 == 0 {
				kept[value] = message
				continue
			}
			released[&message.Data[0]] = true
			again := message
			message.Release()
			message.Release()
			again.Release() // A copy: it is released already.
			if message.Data != nil || again.Data != nil {
				t.Fatal("a message that was released has data")
			}
		}
		if usedAgain < count/2 {
			t.Errorf("%d of %d messages of %d bytes had the memory of an earlier one", usedAgain, count, itsSize)
		}
		for value, message := range kept {
			if !isNumbered(message.Data, value, itsSize) {
				t.Errorf("message %d was not released, and has other data now", value)
			}
		}
	}
}

func sendNumbered(client *sealpipe.Conn, size, count int) {
	for value := range count {
		if client.Write(context.Background(), 1, numbered(value, size)) != nil {
			return
		}
	}
}

func isNumbered(data []byte, value, size int) bool { return bytes.Equal(data, numbered(value, size)) }

func TestReleasedMemoryDoesNotPassToAnotherSession(t *testing.T) {
	listener, name := listen(t, nil)
	client := dial(t, name, &sealpipe.Options{RetryDelay: time.Millisecond})
	server, err := listener.Accept(soon(t))
	must(t, err)
	must(t, server.Write(soon(t), 1, numbered(1, 60_000)))
	message := read(t, client)
	memory := &message.Data[0]
	must(t, listener.Close())
	listener, err = sealpipe.Listen(name, nil)
	must(t, err)
	defer func() { _ = listener.Close() }()
	server, err = listener.Accept(soon(t))
	must(t, err)
	awaitStatus(t, client, sealpipe.Connected)
	message.Release()
	for range 5 {
		must(t, server.Write(soon(t), 1, numbered(2, 60_000)))
		if next := read(t, client); &next.Data[0] == memory {
			t.Error("memory of an earlier session is used again")
		}
	}
}

func TestSmallAndClassicMessagesCanBeReleased(t *testing.T) {
	for _, options := range []*sealpipe.Options{nil, {Profile: sealpipe.ProfileClassic}} {
		server, client := pair(t, options, options)
		for _, size := range []int{0, 10, 60_000} {
			must(t, client.Write(soon(t), 1, make([]byte, size)))
			message := read(t, server)
			message.Release()
			if message.Data != nil {
				t.Error("it has data")
			}
		}
	}
	none := sealpipe.Message{}
	none.Release()
}

func TestRequestsAndItemsCanBeReleased(t *testing.T) {
	server, client := pair(t, nil, nil)
	memory := map[*byte]int{}
	server.Handle(1, func(_ context.Context, r *sealpipe.Request) ([]byte, error) {
		memory[&r.Data[0]]++
		r.Release()
		return nil, nil
	})
	server.HandleStream(1, func(ctx context.Context, s *sealpipe.Stream) error {
		for item, err := range s.Items(ctx) {
			if err != nil {
				return err
			}
			memory[&item.Data[0]]++
			item.Release()
		}
		return nil
	})
	for range 20 {
		_, err := client.Request(soon(t), 1, make([]byte, 60_000))
		must(t, err)
	}
	stream, err := client.OpenStream(soon(t), 1, nil)
	must(t, err)
	for range 20 {
		must(t, stream.Write(soon(t), make([]byte, 60_000)))
	}
	must(t, stream.CloseWrite())
	if _, err := stream.Read(soon(t)); err != io.EOF {
		t.Error(err)
	}
	if len(memory) > 30 {
		t.Errorf("40 messages had %d pieces of memory", len(memory))
	}
}
