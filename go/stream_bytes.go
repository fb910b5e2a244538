package sealpipe

import (
	"context"
	"io"
)

// streamChunkBytes is the longest item that a stream of bytes is cut into.
const streamChunkBytes = 65_536

// Bytes is the stream as a stream of bytes, whose reads and writes end with the context. A write becomes items of up to 65536 bytes;
// how the peer has cut what is read does not matter, and its end is io.EOF. Close is that of the stream; to end one direction alone,
// call CloseWrite of the stream. It may be read by one goroutine at a time, and written by another.
func (s *Stream) Bytes(ctx context.Context) io.ReadWriteCloser {
	return &streamBytes{stream: s, ctx: ctx}
}

type streamBytes struct {
	stream *Stream
	ctx    context.Context
	// rest is what is left of the last item.
	rest []byte
}

func (b *streamBytes) Read(into []byte) (int, error) {
	for len(b.rest) == 0 && len(into) > 0 {
		item, err := b.stream.Read(b.ctx)
		if err != nil {
			return 0, err
		}
		b.rest = item.Data
	}
	count := copy(into, b.rest)
	b.rest = b.rest[count:]
	return count, nil
}

func (b *streamBytes) Write(data []byte) (written int, err error) {
	chunkBytes := min(streamChunkBytes, b.stream.maxItemBytes())
	for written < len(data) {
		chunk := data[written:min(len(data), written+chunkBytes)]
		if err := b.stream.Write(b.ctx, chunk); err != nil {
			return written, err
		}
		written += len(chunk)
	}
	return written, nil
}

func (b *streamBytes) Close() error { return b.stream.Close() }

// maxItemBytes is the most that both ends take, and 1 at least.
func (s *Stream) maxItemBytes() int {
	s.Conn.mu.Lock()
	defer s.Conn.mu.Unlock()
	return max(1, s.session.MaxDataBytes())
}
