package sealpipe_test

import (
	"context"
	"errors"
	"fmt"
	"log"

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
