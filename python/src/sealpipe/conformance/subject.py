"""The program that is asked: started anew for each rule, as some end themselves when they are told nonsense."""

from __future__ import annotations

import itertools
import os
import shlex
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ..crypto import SYSTEM_CRYPTO
from .peer import Peer
from .verdict import Broken, demand

if TYPE_CHECKING:
    from types import TracebackType

_numbers = itertools.count(1)
# How long a program may take until it listens, or connects.
_START_PATIENCE = 30.0


class Subject:
    """``command``: with ``{name}`` where the name is to stand. ``stdin`` is written to it once, and then left open.

    A message of the type ``zero_type`` it tries to write back with type 0.
    """

    def __init__(self, command: str, stdin: str, *, encrypted: bool, zero_type: int | None = None) -> None:
        self.encrypted = encrypted
        self.zero_type = zero_type
        self.name = f"sealpipe-conformance-{os.getpid()}-{next(_numbers)}"
        self._path = f"/tmp/{self.name}.sock"  # noqa: S108 - where golang-ipc looks
        self._command = shlex.split(command.replace("{name}", self.name))
        self._stdin = stdin
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: socket.socket | None = None
        self._processors: set[int] | None = None
        self._peers: list[Peer] = []

    def __enter__(self) -> Subject:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for peer in self._peers:
            peer.close()
        if self._processors is not None:
            # This thread has more rules to ask, and whatever it starts inherits this.
            os.sched_setaffinity(0, self._processors)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()
        if self._listener is not None:
            self._listener.close()
        with suppress(FileNotFoundError):
            os.unlink(self._path)

    def demand_unharmed(self) -> None:
        """A server goes on, whatever one client does. A client may give up, and end, but not crash."""
        if self._process is None:
            return
        # A process that falls over nonsense needs a moment to.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.3)
        code = self._process.poll()
        gave_up = self._listener is not None and code in (0, 1)
        demand(code is None or gave_up, f"the process has ended, with {code}")

    def share_processor(self) -> None:
        """Has the subject and this thread take turns on one processor, so that we see each of its writes by itself."""
        process = self._process
        if process is None or not hasattr(os, "sched_setaffinity"):
            return
        self._processors = os.sched_getaffinity(0)
        processor = {min(self._processors)}
        os.sched_setaffinity(0, processor)
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            # It may have ended.
            with suppress(OSError):
                os.sched_setaffinity(int(thread), processor)

    # A server.

    def connect(self) -> Peer:
        """To the subject, which is a server."""
        starts = self._process is None
        if starts:
            self._start()
        sock = socket.socket(socket.AF_UNIX)
        peer = self._keep(Peer(sock))
        if starts:
            self._await(lambda: self._reaches(sock), "it does not listen at the address of its name")
        else:
            sock.connect(self._path)
        return peer

    def _reaches(self, sock: socket.socket) -> bool:
        """Between its bind and its listen, a server that starts refuses."""
        with suppress(FileNotFoundError, ConnectionRefusedError):
            sock.connect(self._path)
            return True
        return False

    def client(self) -> Peer:
        """A client of the subject whose handshake is over."""
        peer = self.connect()
        peer.hear(2)
        peer.say(b"\0")
        if self.encrypted:
            key_pair = SYSTEM_CRYPTO.generate_key_pair()
            server_key = peer.hear(97)
            peer.say(key_pair.public_key)
            peer.agree(key_pair, server_key)
        peer.hear_payload()
        peer.say(b"\0")
        # golang-ipc's server takes a message before it calls itself connected, and refuses to write the answer then.
        peer.await_echo()
        return peer

    def serves_another(self) -> None:
        """Demands that a further client is served."""
        try:
            self.client().echo(5, b"another")
        except (Broken, OSError) as error:
            raise Broken(f"the next client is not served: {error}") from error

    # A client.

    def accept(self) -> Peer:
        """The subject, which is a client, as it connects."""
        if self._listener is None:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self._path)
            self._listener.listen()
            self._start()
        self._listener.settimeout(_START_PATIENCE)
        try:
            sock, _ = self._listener.accept()
        except TimeoutError:
            raise Broken(f"it did not connect within {_START_PATIENCE:g} s") from None
        return self._keep(Peer(sock))

    def server(self, maximum: int = 3_145_728, further: bytes = b"") -> Peer:
        """A server of the subject whose handshake is over."""
        peer = self.accept()
        peer.say(bytes((2, self.encrypted)))
        answer = peer.hear(1)
        demand(answer == b"\0", f"it answers {answer.hex()} to a hello that it should accept")
        if self.encrypted:
            key_pair = SYSTEM_CRYPTO.generate_key_pair()
            peer.say(key_pair.public_key)
            peer.agree(key_pair, peer.hear(97))
        peer.say(peer.frame(maximum.to_bytes(4, "big") + further))
        confirmation = peer.hear(1)
        demand(confirmation == b"\0", f"its confirmation is {confirmation.hex()}, not 00")
        return peer

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the program that the user named
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if self._stdin and self._process.stdin is not None:
            self._process.stdin.write(self._stdin.encode() + b"\n")
            self._process.stdin.flush()

    def _await(self, holds: object, otherwise: str) -> None:
        give_up_at = time.monotonic() + _START_PATIENCE
        while callable(holds) and not holds():
            demand(self._process is not None and self._process.poll() is None, f"{otherwise}: it has ended")
            demand(time.monotonic() < give_up_at, otherwise)
            time.sleep(0.01)

    def _keep(self, peer: Peer) -> Peer:
        self._peers.append(peer)
        return peer
