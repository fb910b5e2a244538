"""The engine's options for the native profile."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from ...protocol.native.keepalive import KeepaliveLimits
from ...protocol.native.options import NativeOptions, NativeSelf
from ...protocol.native.wire.lanes import MAX_WINDOW, MIN_WINDOW
from ...protocol.native.wire.offers import ALL_FEATURES, Offers

if TYPE_CHECKING:
    from ...protocol.native.session import NativeSession
    from ...protocol.native.wire.lanes import Windows
    from .parse_options import ParsedOptions

_LIBRARY = "sealpipe/0.1.0"
"""What every end declares about the library that it uses."""


def native_options(
    options: ParsedOptions, *, resumable: bool, session: NativeSession | None = None
) -> NativeOptions | None:
    """``None`` if the engine must not speak it. ``session``: the one to resume."""
    if options.profile == "classic":
        return None
    return NativeOptions(
        self=self_of(options),
        windows=windows_of(options.max_queued_bytes),
        resumable=resumable,
        offers=Offers(
            features=ALL_FEATURES,
            stream_lane_window=_clamp(options.max_queued_bytes / 4),
            max_concurrent_streams=options.max_concurrent_streams,
            stream_window=options.stream_window_bytes,
            codec=options.codec,
            contracts=options.contracts,
        ),
        session=session,
        keepalive=KeepaliveLimits(options.keepalive_interval or math.inf, options.keepalive_timeout),
    )


def self_of(options: ParsedOptions) -> NativeSelf:
    """What an end with these options declares about its process."""
    return NativeSelf(os.getpid(), _LIBRARY, options.application, options.application_version)


def windows_of(max_queued_bytes: int) -> Windows:
    """The windows of an end that may keep ``max_queued_bytes`` that its application has not read.

    Positions count 64 bytes for each frame besides its own; a waiting message costs up to four times that count, and a
    request with its handler more. Answers are consumed as they arrive, and need only a window that keeps the wire
    busy."""
    return _clamp(max_queued_bytes / 4), _clamp(max_queued_bytes / 8), _clamp(max_queued_bytes / 4)


def _clamp(count: float) -> int:
    return min(MAX_WINDOW, max(MIN_WINDOW, int(count)))
