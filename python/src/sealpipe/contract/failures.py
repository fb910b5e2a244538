"""What becomes of an error on its way from a handler to its caller."""

from __future__ import annotations

from ..errors import RemoteError, SealpipeError
from .contract import DeclaredError, InvalidError, Member
from .finding import Issue, encode_issues, issues_text, received_issues

_MAX_DATA_BYTES = 65_536


def received(member: Member, error: RemoteError) -> SealpipeError:
    """An error of the contract if what the peer answered is one, and otherwise what it was."""
    code = error.code
    if code in ("ERR_INVALID_INPUT", "ERR_INVALID_OUTPUT"):
        return InvalidError(code, error.message, received_issues(error.data))
    made = member.declared.get(code)
    if made is None:
        return error
    part = member.errors[code]
    if part is None:
        return made(error.message)  # type: ignore[call-arg]
    data, issues = part.decode(error.data)
    # A code that means something else than the contract says is none of its codes.
    return error if issues else made(data, error.message)


def sent(member: Member, raised: Exception) -> Exception:
    """What the core makes a failure of."""
    if isinstance(raised, InvalidError):
        return RuntimeError(str(raised))
    if not isinstance(raised, DeclaredError):
        return raised
    if raised.member is not member:
        # Of another method, which this one has called: its codes mean nothing here.
        return RuntimeError(str(raised))
    part = member.errors[raised.code]
    data = b"" if part is None else part.encode(raised.data, f'the data of "{member.name}"\'s {raised.code}')
    return RemoteError(raised.code, raised.message, data)


def refusal(member: Member, issues: tuple[Issue, ...], what: str = "the input") -> RemoteError:
    message = f'{what} of "{member.name}" does not fit: {issues_text(issues)}'
    return RemoteError("ERR_INVALID_INPUT", message, encode_issues(issues, _MAX_DATA_BYTES))


def bad_output(member: Member, issues: tuple[Issue, ...]) -> tuple[InvalidError, RemoteError]:
    """The error for this end, and the failure that the caller gets, which says no more than it has to."""
    message = f'what the handler of "{member.name}" returned does not fit: {issues_text(issues)}'
    failure = RemoteError("ERR_INVALID_OUTPUT", f'the answer to "{member.name}" did not fit the contract')
    return InvalidError("ERR_INVALID_OUTPUT", message, issues), failure
