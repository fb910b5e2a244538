// The demo's client in Go: greets the server, and prints what it gets back.
// Usage: client NAME TEXT
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"sealpipe"

	"sealpipe.test/demo/demo"
)

func main() {
	name, text := os.Args[1], os.Args[2]
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	server, err := demo.Dial(ctx, name, &sealpipe.Options{Profile: sealpipe.ProfileNative})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	conn := server.Conn()
	fmt.Printf("connected, profile %s, encrypted %t, to process %d\n", conn.Profile(), conn.Encrypted(), conn.Peer().PID)
	answer, err := server.Greet(ctx, text)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("greet answered %q\n", answer)
}
