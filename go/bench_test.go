package sealpipe_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"sealpipe"
)

var wires = []struct {
	name    string
	options sealpipe.Options
}{
	{"native", sealpipe.Options{}},
	{"native-plain", sealpipe.Options{DisableEncryption: true, Profile: sealpipe.ProfileNative}},
	{"classic", sealpipe.Options{Profile: sealpipe.ProfileClassic}},
}

func BenchmarkOneWay(b *testing.B) {
	for _, wire := range wires {
		for _, size := range []int{64, 65_536} {
			b.Run(fmt.Sprintf("%s/%d", wire.name, size), func(b *testing.B) {
				server, client := pair(b, &wire.options, &wire.options)
				ctx, data := context.Background(), make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				go func() {
					for range b.N {
						_ = client.Write(ctx, 1, data)
					}
				}()
				for range b.N {
					if _, err := server.Read(ctx); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	for _, wire := range wires {
		b.Run(wire.name+"/64", func(b *testing.B) {
			server, client := pair(b, &wire.options, &wire.options)
			ctx, data := context.Background(), make([]byte, 64)
			go func() {
				for {
					message, err := server.Read(ctx)
					if err != nil || server.Write(ctx, 1, message.Data) != nil {
						return
					}
				}
			}()
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				_ = client.Write(ctx, 1, data)
				if _, err := client.Read(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("raw/64", rawRoundTrip)
}

// rawRoundTrip is the same on a socket alone.
func rawRoundTrip(b *testing.B) {
	path := "/tmp/" + freshName() + ".sock"
	listener, err := net.Listen("unix", path)
	must(b, err)
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		buffer := make([]byte, 64)
		for {
			count, err := conn.Read(buffer)
			if err != nil {
				return
			}
			_, _ = conn.Write(buffer[:count])
		}
	}()
	conn, err := net.Dial("unix", path)
	must(b, err)
	defer func() { _ = conn.Close() }()
	buffer := make([]byte, 64)
	b.ResetTimer()
	for range b.N {
		_, _ = conn.Write(buffer)
		if _, err := conn.Read(buffer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRequests(b *testing.B) {
	listener, name := listen(b, nil)
	listener.Handle(1, func(_ context.Context, r *sealpipe.Request) ([]byte, error) { return r.Data, nil })
	client := dial(b, name, nil)
	b.Run("64-in-flight/64", func(b *testing.B) {
		data, slots := make([]byte, 64), make(chan struct{}, 64)
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			slots <- struct{}{}
			go func() {
				if _, err := client.Request(context.Background(), 1, data); err != nil {
					b.Error(err)
				}
				<-slots
			}()
		}
		for range cap(slots) {
			slots <- struct{}{}
		}
	})
}
