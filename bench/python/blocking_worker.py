"""Executes commands with a peer that blocks: a thread reads, and hands each message to the present receiver."""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Callable
from time import perf_counter

from commands import HELLO, Answer, Command, tell, tell_error, times_of
from content import Content
from peer import BlockingChannel, BlockingPeer


class BlockingWorker:
    def __init__(self, peer: BlockingPeer) -> None:
        self._peer = peer
        self._channel: BlockingChannel
        self._unlisten: Callable[[], None] = lambda: None
        self._contents: dict[int, Content] = {}
        self._receiver: Callable[[bytes], None] = self._send

    def run(self) -> None:
        for line in sys.stdin:
            try:
                tell(self._obey(json.loads(line)))
            except Exception as error:
                tell_error(error)

    def _obey(self, command: Command) -> Answer:
        match command["do"]:
            case "listen":
                self._unlisten = self._peer.listen(command["name"], self._opened)
            case "connect":
                self._connect(command["name"])
            case "await-clients":
                pass  # the client has been answered, so it is there
            case "echo":
                self._receiver = self._send
            case "sink":
                self._sink(command)
            case "source":
                return self._source(command)
            case "round-trips":
                return self._round_trips(command)
            case "close":
                self._channel.close()
                self._unlisten()
            case unknown:
                raise ValueError(f"the program in Python does not do {unknown!r}")
        return {}

    def _opened(self, channel: BlockingChannel) -> None:
        self._channel = channel
        self._receive(channel)

    def _connect(self, name: str) -> None:
        self._channel = self._peer.connect(name)
        greeted = self._next()
        threading.Thread(target=self._receive, args=(self._channel,), daemon=True).start()
        self._send(HELLO)
        if greeted.get() != HELLO:
            raise ValueError("the server answered with something else")

    def _receive(self, channel: BlockingChannel) -> None:
        try:
            channel.receive(lambda body: self._receiver(body))
        except Exception as error:
            tell_error(error)

    def _send(self, body: bytes) -> None:
        self._channel.send(body)

    def _next(self) -> queue.SimpleQueue[bytes]:
        """Where the next message goes."""
        messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._receiver = messages.put
        return messages

    def _sink(self, command: Command) -> None:
        content, count, check = self._content(command["bytes"]), command["count"], command["check"]
        number = 0

        def receive(body: bytes) -> None:
            nonlocal number
            content.verify(number, body, check)
            number += 1
            if number == count:
                self._send(content.at(0))

        self._receiver = receive

    def _source(self, command: Command) -> Answer:
        content = self._content(command["bytes"])
        taken = self._next()
        send = self._channel.send
        started = perf_counter()
        for number in range(command["count"]):
            send(content.at(number))
        content.verify(0, taken.get(), "all")
        return {"elapsedMs": (perf_counter() - started) * 1e3}

    def _round_trips(self, command: Command) -> Answer:
        """The next message is sent from the thread that has read the answer to the last."""
        content, count, check = self._content(command["bytes"]), command["count"], command["check"]
        times: list[float] = []
        over: queue.SimpleQueue[None] = queue.SimpleQueue()
        sent = started = perf_counter()

        def receive(body: bytes) -> None:
            nonlocal sent
            now = perf_counter()
            content.verify(len(times), body, check)
            times.append(now - sent)
            if len(times) == count:
                over.put(None)
                return
            sent = perf_counter()
            self._send(content.at(len(times)))

        self._receiver = receive
        self._send(content.at(0))
        over.get()
        return times_of(times, perf_counter() - started)

    def _content(self, size: int) -> Content:
        if size not in self._contents:
            self._contents[size] = Content(size)
        return self._contents[size]
