package sealpipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"sealpipe"
)

func Example() {
	ctx := context.Background()
	name := freshName() // "my-app", say: both ends use the same.
	listener, err := sealpipe.Listen(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		_ = listener.Serve(ctx, func(ctx context.Context, conn *sealpipe.Conn) {
			for message, err := range conn.Messages(ctx) {
				if err != nil {
					return
				}
				_ = conn.WriteText(ctx, message.Type, "you said: "+message.Text())
			}
		})
	}()

	client, err := sealpipe.Dial(ctx, name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.WriteText(ctx, 5, "hello"); err != nil {
		log.Fatal(err)
	}
	message, err := client.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(message.Type, message.Text(), client.Profile(), client.Encrypted())
	// Output: 5 you said: hello native true
}

func ExampleConn_Request() {
	ctx := context.Background()
	name := freshName()
	listener, err := sealpipe.Listen(name, &sealpipe.Options{Secret: []byte("32 random bytes, from a file say")})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	listener.Handle(1, func(_ context.Context, request *sealpipe.Request) ([]byte, error) {
		if len(request.Data) == 0 {
			return nil, sealpipe.Fail("NO_PATH", "which file?")
		}
		return append([]byte("contents of "), request.Data...), nil
	})

	client, err := sealpipe.Dial(ctx, name, &sealpipe.Options{Secret: []byte("32 random bytes, from a file say")})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	answer, err := client.Request(ctx, 1, []byte("/etc/hosts"))
	fmt.Println(string(answer), err)

	_, err = client.Request(ctx, 1, nil)
	var failure *sealpipe.Error
	fmt.Println(errors.As(err, &failure), failure.Code, failure.Message, failure.Remote)

	_, err = client.Request(ctx, 2, nil)
	fmt.Println(errors.Is(err, sealpipe.ErrNoHandler))
	// Output:
	// contents of /etc/hosts <nil>
	// true NO_PATH which file? true
	// true
}

func ExampleConn_OpenStream() {
	ctx := context.Background()
	name := freshName()
	listener, err := sealpipe.Listen(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	listener.HandleStream(2, func(ctx context.Context, stream *sealpipe.Stream) error {
		for item, err := range stream.Items(ctx) {
			if err != nil {
				return err
			}
			if err := stream.WriteText(ctx, string(stream.Data)+" "+item.Text()); err != nil {
				return err
			}
		}
		return nil // Ends this end's direction.
	})

	client, err := sealpipe.Dial(ctx, name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	stream, err := client.OpenStream(ctx, 2, []byte("hello"))
	if err != nil {
		log.Fatal(err)
	}
	for _, whom := range []string{"you", "world"} {
		if err := stream.WriteText(ctx, whom); err != nil {
			log.Fatal(err)
		}
	}
	if err := stream.CloseWrite(); err != nil {
		log.Fatal(err)
	}
	for item, err := range stream.Items(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(item.Text())
	}
	// Output:
	// hello you
	// hello world
}

func ExampleStream_Bytes() {
	ctx := context.Background()
	name := freshName()
	listener, err := sealpipe.Listen(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	listener.HandleStream(3, func(ctx context.Context, stream *sealpipe.Stream) error {
		count, err := io.Copy(io.Discard, stream.Bytes(ctx))
		if err != nil {
			return err
		}
		return stream.WriteText(ctx, fmt.Sprintf("%s has %d bytes", stream.Data, count))
	})

	client, err := sealpipe.Dial(ctx, name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	upload, err := client.OpenStream(ctx, 3, []byte("a file"))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = upload.Close() }()
	if _, err := io.Copy(upload.Bytes(ctx), strings.NewReader(strings.Repeat("x", 1_000_000))); err != nil {
		log.Fatal(err)
	}
	if err := upload.CloseWrite(); err != nil {
		log.Fatal(err)
	}
	said, err := upload.Read(ctx)
	fmt.Println(said.Text(), err)
	// Output: a file has 1000000 bytes <nil>
}
