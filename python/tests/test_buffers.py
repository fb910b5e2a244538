from __future__ import annotations

from sealpipe.protocol.receive_buffer import ReceiveBuffer
from sealpipe.protocol.send_buffer import BATCH_BYTES, MAX_WRITE_BYTES, SendBuffer


def filled(*chunks: bytes) -> ReceiveBuffer:
    buffer = ReceiveBuffer()
    for chunk in chunks:
        buffer.push(chunk)
    return buffer


def test_bytes_are_taken_across_chunks_in_order() -> None:
    buffer = filled(b"\x01\x02", b"", b"\x03", b"\x04\x05\x06")
    assert buffer.peek_uint32() == 0x01020304
    assert len(buffer) == 6
    assert buffer.take(3) == b"\x01\x02\x03"
    buffer.skip(1)
    assert buffer.take(2) == b"\x05\x06"
    assert len(buffer) == 0


def test_a_buffer_that_was_cleared_holds_what_comes_then() -> None:
    buffer = filled(b"old")
    buffer.clear()
    buffer.push(b"new")
    assert buffer.take(3) == b"new"


def writes_of(buffer: SendBuffer) -> list[bytes]:
    writes: list[bytes] = []
    while write := buffer.take():
        writes.append(write)
    return writes


def test_small_frames_share_a_write_in_which_there_are_whole_frames_only() -> None:
    buffer = SendBuffer()
    frames = [bytes([i]) * 10_000 for i in range(7)]
    for frame in frames:
        buffer.push(frame)
    assert len(buffer) == 70_000
    writes = writes_of(buffer)
    assert [len(write) for write in writes] == [30_000, 30_000, 10_000]
    assert all(len(write) <= BATCH_BYTES for write in writes)
    assert b"".join(writes) == b"".join(frames)
    assert len(buffer) == 0


def test_a_frame_over_the_batch_has_a_write_to_itself_and_a_large_one_several() -> None:
    buffer = SendBuffer()
    buffer.push(b"a" * 10)
    buffer.push(b"b" * (BATCH_BYTES + 1))
    buffer.push(b"c" * (MAX_WRITE_BYTES + 1))
    buffer.push(b"d" * 10)
    buffer.push(b"e" * 10)
    assert writes_of(buffer) == [
        b"a" * 10,
        b"b" * (BATCH_BYTES + 1),
        b"c" * MAX_WRITE_BYTES,
        b"c",
        b"d" * 10 + b"e" * 10,
    ]


def test_a_part_of_the_handshake_leaves_alone() -> None:
    buffer = SendBuffer()
    buffer.push(b"frame")
    buffer.push_alone(b"part")
    buffer.push_alone(b"other")
    buffer.push(b"frame")
    assert writes_of(buffer) == [b"frame", b"part", b"other", b"frame"]


def test_what_is_cleared_never_leaves() -> None:
    buffer = SendBuffer()
    buffer.push(b"a")
    buffer.push_alone(b"b")
    buffer.push(b"c")
    buffer.clear()
    assert (len(buffer), writes_of(buffer)) == (0, [])
