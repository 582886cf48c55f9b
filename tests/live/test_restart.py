"""Both managers over a restart of Asterisk. Only where AMI_LIVE_RESTART=1 allows it; nothing may come after this."""

import os
from contextlib import suppress

import pytest

import ami
from ami import aio, core, core_events

from ..behaviour.drivers import AsyncManager
from .calls import PATIENCE
from .dialplan import CONTEXT, make_dialplan

pytestmark = pytest.mark.skipif(
    os.environ.get("AMI_LIVE_RESTART") != "1", reason="AMI_LIVE_RESTART=1 allows to restart the server"
)

BOOT = 60
"""Seconds that Asterisk may take to restart."""


def test_a_restart_is_survived(loop, address, user):
    options = {"reconnect": ami.Reconnect(initial=0.2, maximum=1), "keepalive": 5}
    with (
        ami.Manager() as manager,
        ami.Manager(**options) as threads,
        AsyncManager(loop, loop.call(aio.Manager, **options)) as tasks,
    ):
        clients = (threads, tasks)
        for client in (manager, *clients):
            client.connect(*address)
            client.login(*user)
        make_dialplan(manager.send_action)  # what restarts knows nothing of it any more
        before = [client.get_connection() for client in clients]
        calls = [client.originate(f"Local/echo@{CONTEXT}", application="Wait", data="60") for client in clients]
        for call in calls:
            assert call.wait() is ami.Outcome.ANSWERED
        heard = [client.events(core_events.Shutdown) for client in clients]  # and gaps
        states: dict[object, list[ami.State]] = {client: [] for client in clients}
        for client in clients:
            client.register_callback(ami.StateChange, lambda change, _, each=client: states[each].append(change.state))

        with suppress(ami.ManagerSocketError):  # it may be gone before it has answered
            manager.send_action(core.Command("core restart now"))

        for client, events, connection in zip(clients, heard, before, strict=True):
            told = [events.get(BOOT)]
            while not isinstance(told[-1], ami.Gap):
                told.append(events.get(BOOT))
            assert [each.restart for each in told[:-1]] in ([True], [])  # the link may be gone before the event
            assert told[-1].reason == "link"
            assert told[-1].seconds > 0
            assert states[client][0] is ami.State.WAITING
            assert client.state is ami.State.READY
            assert client.get_connection() is not connection
            assert client.send_action(core.Ping()).success
            uptime = client.send_action(core.Command("core show uptime seconds")).result.data[0]
            assert int("".join(filter(str.isdigit, uptime))) < BOOT
            with client.events("UserEvent", UserEvent="Amikit") as events:
                assert client.send_action(core.UserEvent(UserEvent="Amikit")).success
                assert events.get(PATIENCE).user_event == "Amikit"
        for call in calls:  # Asterisk may have hung up, and told of it, before it went
            with suppress(ami.ManagerSocketError):
                call.wait_ended(PATIENCE)
                assert call.progress.ended, call
