package main

// channel is one conversation between the two processes. Messages arrive one after the other, in one goroutine.
type channel interface {
	send(body []byte) error
	// receive calls handle for each message until the channel is over. The body is handle's own until it returns.
	receive(handle func(body []byte))
	close()
}

// asker is a channel with requests of its own; the server answers each with what was asked.
type asker interface {
	request(body []byte) ([]byte, error)
}

// peer is one way to talk between two processes, used as someone who knows it well would use it.
type peer interface {
	// listen calls opened for each client, in a goroutine of its own.
	listen(name string, opened func(channel)) (close func(), err error)
	connect(name string) (channel, error)
}

var peers = map[string]func(encryption bool) peer{
	"golang-ipc":        func(encryption bool) peer { return golangIPC{encryption} },
	"sealpipe":          func(encryption bool) peer { return sealpipePeer{encryption: encryption} },
	"sealpipe-released": func(encryption bool) peer { return sealpipePeer{encryption, true} },
	"grpc":              func(bool) peer { return grpcPeer{} },
	"raw":               func(encryption bool) peer { return rawPeer{encryption} },
}

func socketPath(name string) string { return "/tmp/" + name + ".sock" }
