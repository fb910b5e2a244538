"""``python -m sealpipe.conformance server|client --command '… {name} …'``: a line for each rule, and how many hold."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .client_rules import CLIENT_RULES
from .message_rules import TYPE_0_WRITTEN
from .server_rules import SERVER_RULES
from .subject import Subject
from .verdict import Broken, Open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rule import Rule

_EPILOG = """
The program writes each message that it receives back to where it came from. It is started anew for each rule, with a
name of its own in place of {name}, and is ended with SIGKILL. --stdin is written to it once, and its standard input is
left open. A client that gives up may end with 0 or 1; whatever else ends it counts as a crash.

With --zero-type TYPE it tries to write a message of that type back with type 0 instead, and goes on when that is
refused.

A rule that MUST hold is one without which some peer cannot talk to the program; one that SHOULD hold is one without
which a bad peer can harm it. A rule is "open" if too few connections came to ask for it. The exit code is 1 if one that
must hold does not.

example:
  python -m sealpipe.conformance server --command 'python -m sealpipe.conformance.echo server {name}'
"""


_AT_ONCE = 4


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    rules = SERVER_RULES if options.role == "server" else CLIENT_RULES
    broken = {"must": 0, "should": 0}
    held = 0
    mode = not options.plain
    asked = [rule for rule in rules if mode in rule.modes and options.only in rule.id]
    if options.zero_type is None:
        asked = [rule for rule in asked if rule.id != TYPE_0_WRITTEN]
    # Most of the time is spent waiting for what does not come.
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for rule, found in zip(asked, threads.map(lambda rule: _check(rule, options), asked), strict=True):
            if found is None:
                held += 1
                print(f"pass  {rule.level:6}  {rule.id}: {rule.says}", flush=True)
            elif isinstance(found, Open):
                print(f"open  {rule.level:6}  {rule.id}: {rule.says}\n      {found}", flush=True)
            else:
                broken[rule.level] += 1
                print(f"FAIL  {rule.level:6}  {rule.id}: {rule.says}\n      {found}", flush=True)
    do_not = f"{broken['must']} that must and {broken['should']} that should do not"
    print(f"{options.role}, {'encrypted' if mode else 'plain'}: {held} rules hold, {do_not}")
    return 1 if broken["must"] else 0


def _check(rule: Rule, options: argparse.Namespace) -> str | Open | None:
    """What was found instead, where the rule does not hold."""
    with Subject(options.command, options.stdin, encrypted=not options.plain, zero_type=options.zero_type) as subject:
        try:
            rule.check(subject)
        except Open as unknown:
            return unknown
        except Broken as error:
            return str(error)
        except OSError as error:
            return f"the connection failed: {error}"
    return None


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sealpipe.conformance",
        description="Asks a server or a client for each rule of spec/protocol.md.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("role", choices=("server", "client"), help="what the program is")
    parser.add_argument("--command", required=True, help="how it is started, with {name} where the name is to stand")
    parser.add_argument("--stdin", default="", help="what it is told on its standard input")
    parser.add_argument("--plain", action="store_true", help="it is started without encryption")
    parser.add_argument("--zero-type", type=int, help="the type of messages that it tries to write back with type 0")
    parser.add_argument("--only", default="", help="only the rules whose id contains this")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
