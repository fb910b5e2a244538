// A daemon on golang-ipc that answers the questions of sealpipe/questions, and asks who is there.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	ipc "github.com/james-barrow/golang-ipc"

	"golang-ipc-questions/questions"
)

func main() {
	server, err := ipc.StartServer(os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	daemon := questions.New(server, questions.Options{Handler: answer})
	for {
		message, err := server.Read()
		if err != nil {
			log.Fatal(err)
		}
		if message.MsgType == -1 && message.Status == "Connected" {
			go greet(daemon)
		}
		if !daemon.Handle(message) {
			log.Printf("a message of type %d", message.MsgType)
		}
	}
}

func answer(ctx context.Context, body json.RawMessage) (any, error) {
	var number float64
	if err := json.Unmarshal(body, &number); err != nil {
		return nil, &questions.Error{Code: "NOT_A_NUMBER", Message: err.Error()}
	}
	if number < 0 {
		// Nothing is worth waiting for any more once the one that asked has gone.
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return number * 2, nil
}

func greet(daemon *questions.Questions) {
	var name string
	if err := daemon.Ask(context.Background(), "who is there?", &name); err != nil {
		log.Printf("nobody says who is there: %v", err)
		return
	}
	log.Printf("%s is there", name)
}
