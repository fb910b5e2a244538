from __future__ import annotations

from typing import Any

import pytest

import sealpipe
from sealpipe.endpoint.options.parse_options import parse_client_options, parse_server_options
from sealpipe.errors import CallerError
from sealpipe.transport.address import Address, resolve_address, room_behind


def code_of(act: Any) -> str:
    with pytest.raises(sealpipe.SealpipeError) as caught:
        act()
    return caught.value.code


def test_options_that_are_not_given_have_their_defaults() -> None:
    server = parse_server_options({})
    assert (server.directory, server.encryption, server.unmask_permissions) == ("/tmp", True, False)
    client = parse_client_options({})
    assert (client.connect_timeout, client.retry_delay, client.max_retry_delay) == (None, 0.1, 5.0)
    assert (client.offline_queue, client.trust) == (True, ())


def test_the_longest_pause_is_no_shorter_than_the_first() -> None:
    assert parse_client_options({"retry_delay": 7}).max_retry_delay == 7
    with pytest.raises(CallerError, match="at least retry_delay"):
        parse_client_options({"retry_delay": 2, "max_retry_delay": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encryption", 1),
        ("encryption", None),
        ("directory", "tmp"),
        ("directory", "/tm\0p"),
        ("directory", b"/tmp"),
        ("max_message_bytes", 0),
        ("max_message_bytes", 1_073_741_825),
        ("max_message_bytes", 1.0),
        ("max_message_bytes", True),
        ("max_message_bytes", "5"),
        ("max_queued_bytes", 0),
        ("handshake_timeout", 0),
        ("handshake_timeout", float("inf")),
        ("handshake_timeout", float("nan")),
        ("frame_timeout", -1),
        ("close_timeout", "1"),
        ("close_timeout", True),
        ("on_status", 5),
        ("on_error", "print"),
    ],
)
def test_an_option_that_is_out_of_range_is_refused_and_none_is_coerced(name: str, value: object) -> None:
    for parse in (parse_server_options, parse_client_options):
        with pytest.raises(CallerError, match=name) as caught:
            parse({name: value})
        assert caught.value.code == "ERR_INVALID_OPTION"


@pytest.mark.parametrize(
    ("parse", "name", "value"),
    [
        (parse_server_options, "max_connections", 0),
        (parse_server_options, "max_pending_handshakes", 1_000_001),
        (parse_server_options, "address_check_interval", -1),
        (parse_server_options, "address_check_interval", False),
        (parse_server_options, "connect_timeout", 1),
        (parse_server_options, "trust", [5]),
        (parse_client_options, "trust", "all"),
        (parse_client_options, "trust", [-1]),
        (parse_client_options, "trust", [True]),
        (parse_client_options, "trust", [2**32 - 1]),
        (parse_client_options, "connect_timeout", 0),
        (parse_client_options, "retry_delay", None),
        (parse_client_options, "offline_queue", "yes"),
        (parse_client_options, "max_connections", 1),
        (parse_client_options, "typo", 1),
    ],
)
def test_an_option_of_one_end_is_checked_by_it_and_refused_by_the_other(parse: Any, name: str, value: object) -> None:
    assert code_of(lambda: parse({name: value})) == "ERR_INVALID_OPTION"


def test_a_list_of_users_may_be_changed_later() -> None:
    users = [5]
    parsed = parse_client_options({"trust": users})
    users.append(6)
    assert parsed.trust == (5,)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a..b", "a b", "ä", "a\0", "a\n", None, 5, b"a"])
def test_a_name_that_could_leave_its_directory_is_refused(name: Any) -> None:
    for act in (
        lambda: sealpipe.serve(name),
        lambda: sealpipe.connect(name),
        lambda: resolve_address(name, platform="win32"),
    ):
        assert code_of(act) == "ERR_INVALID_NAME"


def test_a_name_resolves_to_where_golang_ipc_looks() -> None:
    assert resolve_address("my-app", platform="linux") == Address("unix-socket", "/tmp/my-app.sock")
    assert resolve_address("my-app", platform="darwin").path == "/tmp/my-app.sock"
    assert resolve_address("my-app", platform="win32") == Address("named-pipe", "\\\\.\\pipe\\my-app")
    assert resolve_address("A.b_c-1", "/run//", platform="linux").path == "/run/A.b_c-1.sock"
    assert resolve_address("a", "/", platform="linux").path == "/a.sock"


def test_a_path_is_as_long_as_the_platform_takes_and_no_longer() -> None:
    for platform, most in (("linux", 107), ("darwin", 103)):
        longest = "n" * (most - len("/tmp/.sock"))
        assert len(resolve_address(longest, platform=platform).path) == most
        assert code_of(lambda: resolve_address(longest + "n", platform=platform)) == "ERR_ADDRESS_TOO_LONG"
        assert code_of(lambda: resolve_address("n", "/" + "ä" * 50, platform=platform)) == "ERR_ADDRESS_TOO_LONG"
    assert len(resolve_address("n" * 247, platform="win32").path) == 256
    assert code_of(lambda: resolve_address("n" * 248, platform="win32")) == "ERR_ADDRESS_TOO_LONG"


def test_a_servers_directory_leaves_room_for_the_one_in_which_it_binds() -> None:
    assert room_behind("/" + "d" * 93, 13, "linux") == 0
    assert code_of(lambda: room_behind("/" + "d" * 94, 13, "linux")) == "ERR_ADDRESS_TOO_LONG"
    assert room_behind("/", 13, "linux") == 94
