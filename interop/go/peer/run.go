package peer

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `usage:
  peer server --name N [--echo] [--encryption=true|false] [--max-message-bytes N] [--unmask]
  peer client --name N [--echo] [--encryption=true|false] [--timeout-seconds F] [--retry-seconds N]
  peer handshakes --name N --count N [--encryption=true|false] [--pause-ms N]
`

// options are all modes' flags.
type options struct {
	name    string
	echo    bool
	server  ServerOptions
	client  ClientOptions
	count   int
	pauseMs int
}

// Run is the whole program; it returns the exit code.
func Run(library Library, arguments []string, in io.Reader, out io.Writer) int {
	if len(arguments) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	mode := arguments[0]
	parsed, err := parse(mode, arguments[1:])
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
		}
		fmt.Fprint(os.Stderr, usage)
		return 2
	}

	output := newOutput(out)
	defer output.finish()
	if mode == "handshakes" {
		return handshakes(library, parsed, output)
	}
	session := newSession(library, mode == "server", output)
	session.echoing.Store(parsed.echo)
	session.start(parsed)
	session.obey(in)
	session.removeSocket()
	return 0
}

func parse(mode string, arguments []string) (options, error) {
	var parsed options
	var encryption bool
	flags := flag.NewFlagSet(mode, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&parsed.name, "name", "", "")
	flags.BoolVar(&encryption, "encryption", true, "")
	flags.BoolVar(&parsed.echo, "echo", false, "")
	switch mode {
	case "server":
		flags.IntVar(&parsed.server.MaxMessageBytes, "max-message-bytes", 0, "")
		flags.BoolVar(&parsed.server.Unmask, "unmask", false, "")
	case "client":
		flags.Float64Var(&parsed.client.TimeoutSeconds, "timeout-seconds", 0, "")
		flags.IntVar(&parsed.client.RetrySeconds, "retry-seconds", 0, "")
	case "handshakes":
		flags.IntVar(&parsed.count, "count", 1, "")
		flags.IntVar(&parsed.pauseMs, "pause-ms", 0, "")
	default:
		return parsed, fmt.Errorf("no such mode: %s", mode)
	}
	if err := flags.Parse(arguments); err != nil {
		return parsed, err
	}
	if flags.NArg() > 0 {
		return parsed, fmt.Errorf("no such argument: %s", flags.Arg(0))
	}
	parsed.server.Encryption = encryption
	parsed.client.Encryption = encryption
	return parsed, nil
}
