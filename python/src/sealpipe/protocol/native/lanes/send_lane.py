"""One direction of one lane, at its sender. Source: spec/protocol.md, "Lanes"."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ..wire.frame import RECORD_ROOM_BYTES, frame_bytes
from .push_body import Body

FRAME_OVERHEAD_BYTES = 64
"""Added to a lane's position for each frame, besides its bytes."""
MAX_BODIES_UNDER_WAY = 4
"""Max number of bodies whose parts are on their way at the same time. Source: spec/protocol.md, "Large bodies"."""
_MAX_RUN_BYTES = RECORD_ROOM_BYTES // 2
"""Two runs fill the room that a record has for the frames of lanes."""


class Run:
    """Whole frames of one lane that leave in one record."""

    __slots__ = ("body", "bytes", "end", "follows", "frames", "index", "weight")

    def __init__(self, frames: bytes, weight: int, follows: int, body: Body | None = None, index: int = 0) -> None:
        self.frames = frames
        """Nothing, if they are made of the body when they leave."""
        self.body = body
        """What the run belongs to, as the frame with that index, if that is a body of its own."""
        self.index = index
        self.bytes = len(frames) if body is None else body.frame_bytes(index)
        self.weight = weight
        """How much they add to the lane's position."""
        self.follows = follows
        """The position in the lane of messages that has to leave before this run."""
        self.end = 0
        """The lane's position after the run, once it was sent."""

    @property
    def start(self) -> int:
        return self.end - self.weight

    def take(self) -> bytes:
        return self.frames if self.body is None or self.frames else self.body.frame(self.index)


class Drained(NamedTuple):
    """What a lane contained when it was given up, in order: runs of whole frames, and bodies."""

    sent: list[bytes | Body]
    """Sent, at least in part, and not acknowledged."""
    unsent: list[bytes | Body]


class SendLane:
    """Frames that wait, and frames that were sent and are not acknowledged, which are kept for a resume."""

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        """Whether bodies of several frames keep their place among the other frames; otherwise they alternate with them
        and each other."""
        self._sent: deque[Run] = deque()
        """Runs that are on their way."""
        self.again: deque[Run] = deque()
        """Runs that have to be sent again on this connection."""
        self._waiting: deque[Run | Body] = deque()
        self._interleaved: deque[Body] = deque()
        self._open: list[bytes] = []
        """The frames that were written last, in one run."""
        self._open_bytes = 0
        self._open_follows = 0
        self._body_is_next = False
        """Whether an interleaved body is next, if there is something else, too."""
        self._place = (0, 0, 0)
        """A boundary of frames in the run that ends at the first: its offset in the bytes, its position."""
        self.queued_bytes = 0
        """The weight of everything that waits, or is sent and not acknowledged."""
        self.unsent_bytes = 0
        """The weight of everything that waits to be sent for the first time."""
        self.sent_position = 0
        """The position after everything that was sent."""
        self.acknowledged = 0
        """The position before which the peer has acknowledged everything."""
        self.window = 0
        """How far after the acknowledged position the peer lets this end send."""

    @property
    def kept_bytes(self) -> int:
        """Acknowledged bytes of large bodies that are not acknowledged completely: kept until then, and not in
        ``queued_bytes``."""
        bodies = {id(run.body): run.body for run in (*self._sent, *self.again) if run.body is not None}
        for waiting in (*self._waiting, *self._interleaved):
            if isinstance(waiting, Body):
                bodies[id(waiting)] = waiting
        sent = sum(body.frame_bytes(index) for body in bodies.values() for index in range(body.next))
        return sent - sum(run.bytes for run in (*self._sent, *self.again) if run.body is not None)

    @property
    def written_position(self) -> int:
        """The position after everything that was written."""
        return self.sent_position + self.unsent_bytes

    @property
    def left_position(self) -> int:
        """The position after everything that was sent and need not be sent again."""
        return self.again[0].start if self.again else self.sent_position

    @property
    def follows(self) -> int:
        """The position in the lane of messages that has to leave before the next frame here."""
        upcoming = self._upcoming()
        return self._open_follows if upcoming is None else upcoming.follows

    @property
    def is_within_body(self) -> bool:
        """Whether the next frame belongs to a large body."""
        upcoming = self._upcoming()
        body = upcoming.body if isinstance(upcoming, Run) else upcoming
        return body is not None and body.is_cut

    @property
    def all_sent(self) -> bool:
        """Whether everything was sent, also on this connection. Not all of it need be acknowledged."""
        return not self.unsent_bytes and not self.again

    def follow(self, position: int, *, waits: bool) -> None:
        """Frames that are written from now on leave after ``position`` in the lane of messages. ``waits``: that
        position has not left yet, and frames that were written earlier must not wait for it."""
        if waits and position != self._open_follows:
            self._close_run()
        self._open_follows = position

    def push(self, frame: bytes) -> None:
        """Queues a whole frame of at most 16,384 bytes."""
        count = len(frame)
        open_bytes = self._open_bytes + count
        if open_bytes > _MAX_RUN_BYTES:
            self._close_run()
            open_bytes = count
        self._open.append(frame)
        self._open_bytes = open_bytes
        count += FRAME_OVERHEAD_BYTES
        self.queued_bytes += count
        self.unsent_bytes += count

    def push_pair(self, ahead: bytes, frame: bytes) -> None:
        """The same for two that must leave together."""
        if self._open_bytes + len(ahead) + len(frame) > _MAX_RUN_BYTES:
            self._close_run()
        self.push(ahead)
        self.push(frame)

    def push_body(self, body: Body) -> None:
        """Queues a body, each of whose frames leaves separately."""
        body.follows = self._open_follows
        weight = sum(self._weight_of(body, index) for index in range(body.frames))
        self.queued_bytes += weight
        self.unsent_bytes += weight
        if self._ordered or not body.is_cut:
            self._close_run()
            self._waiting.append(body)
        else:
            self._interleaved.append(body)

    def next_bytes(self) -> int:
        """The length of the next run for ``take``; 0 if there is none or the window is full."""
        if self.again:
            return self.again[0].bytes
        if not self.unsent_bytes or self.sent_position - self.acknowledged >= self.window:
            return 0
        upcoming = self._next()
        if upcoming is None:
            return self._open_bytes
        return upcoming.bytes if isinstance(upcoming, Run) else upcoming.frame_bytes(upcoming.next)

    def take(self) -> bytes:
        """The next run of whole frames. The caller has checked by ``next_bytes`` that there is one."""
        if self.again:
            run = self.again.popleft()
        else:
            run = self._take_waiting()
            self.unsent_bytes -= run.weight
            self.sent_position += run.weight
            run.end = self.sent_position
        self._sent.append(run)
        return run.take()

    def ends_frame(self, position: int) -> bool:
        """Whether a frame ends at ``position``, which was sent and is after the acknowledged one."""
        run = next(run for runs in (self._sent, self.again) for run in runs if run.end >= position)
        return run.end == position or self._offset_in(run, position) is not None

    def acknowledge(self, position: int) -> None:
        """The peer acknowledges everything before ``position``, which the caller has checked."""
        self.queued_bytes -= position - self.acknowledged
        self.acknowledged = position
        for runs in (self._sent, self.again):
            while runs and runs[0].end <= position:
                runs.popleft()

    def can_rewind(self, position: int) -> bool:
        """Whether a frame that may have to be sent again begins at that position, or no frame follows it."""
        if not self.acknowledged <= position <= self.sent_position:
            return False
        return position in (self.acknowledged, self.sent_position) or self.ends_frame(position)

    def rewind(self, position: int) -> None:
        """Goes back to the position up to which the peer has received. The caller has checked ``can_rewind``."""
        runs = (*self._sent, *self.again)
        self._sent = deque(run for run in runs if run.end <= position)
        self.again = deque(run for run in runs if run.end > position)
        if self.again and self.again[0].start < position:
            first, second = self._split(self.again.popleft(), position)
            self._sent.append(first)
            self.again.appendleft(second)

    def drain(self) -> Drained:
        """Empties the lane."""
        self._close_run()
        sent: list[bytes | Body] = []
        unsent: list[bytes | Body] = []
        bodies: set[int] = set()
        for run in (*self._sent, *self.again):
            if run.body is None:
                sent.append(run.frames)
            elif id(run.body) not in bodies:
                # Each body once, at the place of the first of its frames.
                bodies.add(id(run.body))
                sent.append(run.body)
        for waiting in (*self._waiting, *self._interleaved):
            if isinstance(waiting, Run):
                unsent.append(waiting.frames)
            elif waiting.next == 0:
                unsent.append(waiting)
            elif id(waiting) not in bodies:
                sent.append(waiting)
        for queue in (self._sent, self.again, self._waiting, self._interleaved):
            queue.clear()
        self.queued_bytes = 0
        self.unsent_bytes = 0
        self.acknowledged = self.sent_position
        return Drained(sent, unsent)

    def _upcoming(self) -> Run | Body | None:
        """What leaves next; ``None`` for the open run."""
        return self.again[0] if self.again else self._next()

    def _next(self) -> Run | Body | None:
        """The same, of what is to be sent for the first time."""
        if self._interleaved and (self._body_is_next or not (self._waiting or self._open)):
            return self._interleaved[0]
        return self._waiting[0] if self._waiting else None

    def _take_waiting(self) -> Run:
        upcoming = self._next()
        if upcoming is None:
            self._body_is_next = True
            return self._cut_run()
        interleaved = bool(self._interleaved) and upcoming is self._interleaved[0]
        self._body_is_next = not interleaved
        if isinstance(upcoming, Run):
            self._waiting.popleft()
            return upcoming
        return self._take_frame(upcoming, interleaved=interleaved)

    def _take_frame(self, body: Body, *, interleaved: bool) -> Run:
        index = body.next
        body.next += 1
        is_last = body.next == body.frames
        if interleaved:
            self._interleaved.popleft()
            if not is_last:
                self._interleaved.insert(MAX_BODIES_UNDER_WAY - 1, body)
        elif is_last:
            self._waiting.popleft()
        return Run(b"", self._weight_of(body, index), body.follows, body, index)

    @staticmethod
    def _weight_of(body: Body, index: int) -> int:
        return body.frame_bytes(index) + body.frame_count(index) * FRAME_OVERHEAD_BYTES

    def _close_run(self) -> None:
        if self._open:
            self._waiting.append(self._cut_run())

    def _cut_run(self) -> Run:
        """Closes the open run, which is not empty, and returns it."""
        frames, count = b"".join(self._open), len(self._open)
        weight = self._open_bytes + count * FRAME_OVERHEAD_BYTES
        self._open = []
        self._open_bytes = 0
        return Run(frames, weight, self._open_follows)

    def _offset_in(self, run: Run, position: int) -> int | None:
        """Where in its bytes the frame begins that is at ``position`` in the lane; ``None`` if none is.

        The search goes on from the last place: it passes each frame once, however many acknowledgements its run
        gets."""
        offset, reached = 0, run.start
        end, last_offset, last_reached = self._place
        if end == run.end and last_reached <= position:
            offset, reached = last_offset, last_reached
        frames = run.take()
        while reached < position:
            count = frame_bytes(frames, offset)
            offset += count
            reached += count + FRAME_OVERHEAD_BYTES
        self._place = (run.end, offset, reached)
        return offset if reached == position else None

    def _split(self, run: Run, position: int) -> tuple[Run, Run]:
        """The frames of a run before and after a boundary within it."""
        frames = run.take()
        offset = self._offset_in(run, position) or 0
        first = Run(frames[:offset], position - run.start, run.follows)
        second = Run(frames[offset:], run.end - position, run.follows)
        for part, end in ((first, position), (second, run.end)):
            part.body, part.index, part.end = run.body, run.index, end
        self._place = (0, 0, 0)
        return first, second
