"""Becomes another user and puts a link to TARGET in the place of every staging directory that it sees in DIRECTORY.

Instead of it if the system lets this user rename it, otherwise as soon as it has gone. Usage: python -m
tests.support.swapper UID DIRECTORY TARGET. It says ``ready``, ``squatted`` once it has done the latter,
and at the end of its input how often it has done which.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress

uid, directory, target = int(sys.argv[1]), sys.argv[2], sys.argv[3]
os.setgroups([])
os.setgid(uid)
os.setuid(uid)

seen: set[str] = set()
swapped = squatted = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for entry in os.scandir(directory):
        if not entry.name.startswith(".sp-") or not entry.is_dir(follow_symlinks=False) or entry.path in seen:
            continue
        try:
            os.rename(entry.path, os.path.join(directory, f"moved-{entry.name}"))
        except OSError:
            seen.add(entry.path)
            continue
        with suppress(OSError):
            os.symlink(target, entry.path)
            swapped += 1
    for path in list(seen):
        with suppress(OSError):
            os.symlink(target, path)
            seen.remove(path)
            squatted += 1
            if squatted == 1:
                print("squatted", flush=True)
print(swapped, squatted, flush=True)
