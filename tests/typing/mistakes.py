"""Mistakes that both type checkers must see, each on a line that says so; `rejected.py` compares."""

import ami
import ami.aio
from ami import core, core_events, queues
from amisim import faults


def names() -> None:
    """Of what there is not."""
    ami.Manger()  # wrong
    ami.conect("pbx", username="admin", secret="s3cret")  # wrong
    core.Pong()  # wrong
    core_events.Hangup.cuase  # wrong
    core.QueueStatus("support").quue  # wrong


def actions(manager: ami.Manager) -> None:
    """With what they do not take."""
    core.Hangup()  # wrong
    core.Hangup("PJSIP/100-1", 16, "too much")  # wrong
    core.Hangup(channel=5)  # wrong
    queues.QueuePause("PJSIP/100", paused="perhaps", pased=True)  # wrong
    manager.send_action("Ping")  # wrong
    manager.send_action(core_events.Hangup)  # wrong


def answers(manager: ami.Manager, event: core_events.Hangup) -> None:
    """As what they are not."""
    manager.send_action(core.Ping()).success  # wrong
    text: str = event.channel  # wrong
    number: int = event["Cause"]  # wrong
    flag: bool = event.cause_txt  # wrong
    print(text, number, flag)


def options() -> None:
    """That there are not, or not so."""
    ami.Manager(reconect=True)  # wrong
    ami.Manager(overflow="drop-some")  # wrong
    ami.connect("pbx", username="admin")  # wrong
    ami.connect("pbx", "5038", username="admin", secret="s3cret")  # wrong
    ami.Reconnect(initial="soon")  # wrong


async def tasks(manager: ami.aio.Manager) -> None:
    """Without waiting."""
    manager.send_action(core.Ping()).success  # wrong
    with manager.events("Hangup") as hangups:  # wrong
        print(hangups)


def go_wrong() -> None:
    """Not so."""
    faults.drop("event Hangup", nht=2)  # wrong
    faults.delay(seconds="long")  # wrong
    faults.dealy(6)  # wrong
