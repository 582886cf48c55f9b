"""How a program is tested with the fixtures: `pip install 'amikit[pytest]'`, then `pytest test_voicemail_light.py`.

The program switches a lamp on while a mailbox has new messages.
"""

import threading
from typing import Any

import ami
import amisim
from ami import core
from amisim import event, response, wait


class Lamp:
    """The program: it asks once, and then listens."""

    def __init__(self, manager: ami.Manager, mailbox: str) -> None:
        self.changed = threading.Event()
        self.on: bool | None = None
        self._mailbox = mailbox
        manager.register_callback("MessageWaiting", self._on_message)
        manager.register_callback(ami.Gap, lambda gap, manager: self.ask(manager))
        self.ask(manager)

    def ask(self, manager: ami.Manager) -> None:
        """Ask how many messages there are."""
        answer = manager.send_action(core.MailboxCount(self._mailbox))
        self._switch(None if answer is None or not answer.success else int(answer.result["NewMessages"]) > 0)

    def _on_message(self, message: Any, manager: ami.Manager) -> None:
        if message["Mailbox"] == self._mailbox:
            self._switch(message["Waiting"] == "1")

    def _switch(self, on: bool | None) -> None:
        self.on = on
        self.changed.set()


def test_the_lamp_is_on_while_there_are_messages(ami_server: amisim.Server, ami_manager: ami.Manager) -> None:
    ami_server.on("MailboxCount", Mailbox="100@default").reply(response(NewMessages=2, OldMessages=5))
    lamp = Lamp(ami_manager, "100@default")
    assert lamp.on is True

    lamp.changed.clear()
    ami_server.emit(event("MessageWaiting", Mailbox="200@default", Waiting=1))
    ami_server.emit(event("MessageWaiting", Mailbox="100@default", Waiting=0))
    assert lamp.changed.wait(30)
    assert lamp.on is False


def test_an_answer_that_comes_too_late_leaves_the_lamp_unknown(
    ami_server: amisim.Server, ami_manager: ami.Manager
) -> None:
    ami_server.on("MailboxCount").reply(wait(15), response(NewMessages=2, OldMessages=5))
    assert Lamp(ami_manager, "100@default").on is None


def test_the_lamp_asks_again_after_a_restart(ami_server: amisim.Server) -> None:
    ami_server.on("MailboxCount").reply(response(NewMessages=0, OldMessages=5))
    with ami.connect(
        ami_server.host, ami_server.port, username=ami_server.username, secret=ami_server.secret,
        reconnect=ami.Reconnect(initial=0.01),
    ) as manager:  # fmt: skip
        lamp = Lamp(manager, "100@default")
        assert lamp.on is False
        lamp.changed.clear()
        ami_server.on("MailboxCount").reply(response(NewMessages=1, OldMessages=5))
        ami_server.disconnect()
        assert lamp.changed.wait(30)
        assert lamp.on is True
