"""Arguments that cannot be right: what is wrong with them is said at once, and what would be right."""

from typing import Any

import pytest

import ami
from ami import Reconnect, core

OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"keepalive": 0}, "keepalive is a number of seconds greater than 0, not 0"),
    ({"keepalive": -1}, "keepalive is a number of seconds greater than 0"),
    ({"keepalive": "30"}, "keepalive is a number of seconds greater than 0, not '30'"),
    ({"keepalive_timeout": 0}, "keepalive_timeout is a number of seconds greater than 0"),
    ({"queue_size": 0}, "a queue of 0 events can hold none"),
    ({"overflow": "nope"}, "overflow is 'drop-oldest' or 'drop-newest', not 'nope'"),
    ({"reconnect": "yes"}, "reconnect is True, False or an ami.Reconnect, not 'yes'"),
    ({"reconnect": Reconnect(initial=-1)}, "the times and the factor are 0 or more"),
    ({"reconnect": Reconnect(jitter=2)}, "jitter is from 0 to 1"),
]


@pytest.mark.parametrize(("options", "words"), OPTIONS)
def test_an_option_that_cannot_be_right_is_told_when_the_manager_is_made(driver, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        driver(**options)


TARGETS: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    (("127.0.0.1:5038",), {}, r"the port is an argument of its own: connect\('127.0.0.1', 5038\)"),
    (("[::1]",), {}, "an IPv6 address is written without brackets"),
    ((None,), {}, "the host is a name or an address, not None"),
    (("",), {}, "the host is a name or an address"),
    (("h", "5038"), {}, "the port is a number from 1 to 65535, not '5038'"),
    (("h", 99999), {}, "the port is a number from 1 to 65535, not 99999"),
    (("h", 5038, 0), {}, "timeout is a number of seconds greater than 0, not 0"),
    (("h", 5038, None), {}, "timeout is a number of seconds greater than 0, not None"),
    (("h",), {"ssl": "yes"}, "ssl is an ssl.SSLContext, True for the system's default one, or None, not 'yes'"),
]


@pytest.mark.parametrize(("arguments", "options", "words"), TARGETS)
def test_where_no_link_can_lead_is_told_and_the_link_that_there_is_stays(manager, arguments, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        manager.connect(*arguments, **options)
    assert manager.send_action(core.Ping()).success


@pytest.mark.parametrize("interval", [0, -1, "a", None, True])
def test_an_interval_that_would_be_a_storm_is_refused(manager, interval):
    with pytest.raises(ValueError, match="interval is a number of seconds greater than 0"):
        manager.monitor_connection(interval)
    assert manager.send_action(core.Ping()).success


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("admin", None), {}, "the secret is text, not of type NoneType"),
        ((1, "secret"), {}, "the username is text, not of type int"),
        (("admin", "secret"), {"filters": "!Event: X"}, r"filters is a list of them, such as \['!Event: X'\]"),
    ],
)
def test_what_cannot_be_a_login_is_told_before_anything_is_sent(server, make_manager, arguments, options, words):
    manager = make_manager()
    manager.connect(server.host, server.port)
    with pytest.raises(TypeError, match=words) as caught:
        manager.login(*arguments, **options)
    assert "hunter2" not in str(caught.value)
    assert manager.state == "connected"


def test_what_cannot_be_called_is_no_callback(make_manager):
    manager = make_manager()
    with pytest.raises(TypeError, match="None is no function"):
        manager.register_callback("Hangup", None)
    with pytest.raises(ValueError, match="not an action, which may have the same name"):
        manager.register_callback(core.Hangup, print)
    with pytest.raises(ValueError, match="several as several arguments"):
        manager.events(["Hangup", "Newchannel"])


def test_a_coroutine_function_is_for_the_other_driver():
    async def callback(event: ami.Event, manager: ami.Manager) -> None: ...

    with ami.Manager() as manager, pytest.raises(TypeError, match="register it with an ami"):
        manager.register_callback("Hangup", callback)


def test_the_key_of_a_header_is_text(manager):
    request = ami.Request("UserEvent")
    request[5] = "a"  # type: ignore[index]
    with pytest.raises(TypeError, match="the key of a header is text, not 5"):
        manager.send_action(request)
