package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"sealpipe"
	"sealpipe/sidecar"
)

// runSidecar is a sidecar that does what it is asked: the same as that of the tests in TypeScript. It writes its process id into a
// file, and why it ends into another, and may misbehave at the start or the end.
func runSidecar(pidFile, how string) {
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		panic(err)
	}
	switch how {
	case "never-ready":
		select {}
	case "exits":
		fmt.Fprintln(os.Stderr, "I have no configuration")
		os.Exit(3)
	}
	prepare := func(listener *sealpipe.Listener) error {
		listener.Handle(1, func(ctx context.Context, r *sealpipe.Request) ([]byte, error) { return asked(ctx, string(r.Data)), nil })
		return nil
	}
	// One that ends in order has all the time that a busy machine takes; another one is killed after this.
	drainTimeout := 10 * time.Second
	if how != "" {
		drainTimeout = 400 * time.Millisecond
	}
	_, err := sidecar.Listen(&sidecar.Options{
		Listen:       sealpipe.Options{Application: "test-sidecar", ApplicationVersion: "1.0.0", Prepare: prepare},
		DrainTimeout: drainTimeout,
		OnEnd: func(end sidecar.End) error {
			why, _ := json.Marshal(map[string]string{"by": string(end.By), "reason": end.Reason})
			fmt.Println(string(why))
			_ = os.WriteFile(pidFile+".end", why, 0o600)
			if how == "never-drains" {
				select {}
			}
			return nil
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

func asked(ctx context.Context, what string) []byte {
	switch what {
	case "pid":
		return []byte(strconv.Itoa(os.Getpid()))
	case "exit":
		os.Exit(7)
	case "hang":
		<-ctx.Done()
	case "block":
		// More than the system has processors for.
		for range runtime.GOMAXPROCS(0) + 1 {
			go func() {
				for number := 0; ; number++ {
					_ = number
				}
			}()
		}
		return []byte("blocked")
	case "grandchild":
		child := exec.Command("sleep", "1000")
		if err := child.Start(); err == nil {
			return []byte(strconv.Itoa(child.Process.Pid))
		}
	case "talk":
		for range 1_000 {
			fmt.Print(strings.Repeat(strings.Repeat("x", 99)+"\n", 100))
		}
	}
	return nil
}
