"""What several threads may do to the same things at once."""

import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ami import Manager, core_events
from ami.catalogue import parse
from ami.message import Message

FRAME = b"Event: Hangup\r\n" + b"".join(b"Key%d: %d\r\n" % (number, number) for number in range(50)) + b"\r\n"


def test_many_threads_decode_one_message():
    count = 8
    barrier = threading.Barrier(count)

    def look(event: Message, number: int) -> tuple[int, str | None, str]:
        barrier.wait(20)
        found = (len(event), event.get(f"Key{number}"), event["KEY49"])
        barrier.wait(20)
        return found

    with ThreadPoolExecutor(count) as pool:
        for _ in range(50):
            event = parse(FRAME)
            looks = [pool.submit(look, event, number) for number in range(count)]
            assert [each.result(20) for each in looks] == [(51, str(number), "49") for number in range(count)]


def run(program: str) -> str:
    """What a program of its own prints; for it nothing is loaded yet."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def test_many_threads_ask_for_classes_of_families_that_are_not_loaded():
    program = """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        from ami.catalogue import Event, event_class, parse

        names = ["Newchannel", "BridgeCreate", "DeviceStateChange", "ConfbridgeJoin", "AgentLogin", "Cdr", "Reload",
                 "ContactStatus", "ChallengeSent", "MeetmeJoin", "DAHDIChannel", "FAXStatus", "AOC-D", "NoSuchEvent"]
        barrier = threading.Barrier(len(names))

        def ask(name):
            barrier.wait(30)
            return event_class(name), type(parse(f"Event: {name}\\r\\n\\r\\n".encode()))

        with ThreadPoolExecutor(len(names)) as pool:
            for name, (kind, parsed) in zip(names, pool.map(ask, names)):
                assert kind is parsed, name
                assert (kind is Event) == (name == "NoSuchEvent"), name
        print("done")
    """
    assert run(program) == "done\n"


def test_a_class_is_found_while_another_thread_is_still_loading_families():
    program = """
        import threading
        from ami import catalogue

        load, go_on, begun = catalogue.import_module, threading.Event(), threading.Event()
        loaded = []

        def load_slowly(name):
            if threading.current_thread() is other:
                loaded.append(name)
                if len(loaded) == 2:
                    begun.set()
                    assert go_on.wait(30)
            return load(name)

        found = []
        catalogue.import_module = load_slowly
        other = threading.Thread(target=lambda: found.append(catalogue.event_class("FAXStatus")))
        other.start()
        assert begun.wait(30)
        assert catalogue.event_class("AOC-D") is not catalogue.Event
        go_on.set()
        other.join(30)
        print(found[0].__name__)
    """
    assert run(program) == "FAXStatus\n"


def is_held(lock: Any) -> bool:
    """Whether another thread would have to wait for a lock."""
    with ThreadPoolExecutor(1) as pool:
        return not pool.submit(lock.acquire, False).result()


def test_callbacks_and_streams_change_what_is_wanted_one_after_the_other():
    """Otherwise one of two threads could put back what the other has just changed."""
    seen = []

    class Watched(Manager):
        def _update_wanted(self) -> None:
            seen.append(is_held(self._changing))
            super()._update_wanted()

    manager = Watched()
    manager.register_callback("Hangup", print)
    with manager.events(core_events.Newchannel):
        pass
    manager.unregister_callback("Hangup", print)
    assert seen == [True] * 4


def test_a_new_link_is_told_what_is_wanted_under_the_same_lock(monkeypatch):
    import amisim

    seen = []
    original = Manager._update_wanted

    def update(manager: Manager) -> None:
        seen.append(is_held(manager._changing))
        original(manager)

    monkeypatch.setattr(Manager, "_update_wanted", update)
    with amisim.Server() as server, Manager() as manager:
        manager.connect(server.host, server.port)
        assert seen == [True]


# The end of a program


PROGRAM = """
    import asyncio, sys, threading
    import ami, amisim
    from ami import aio

    soon, late = ami.Reconnect(initial=0.001), ami.Reconnect(initial=3600)
    waiting = threading.Event()

    def note(change, manager):
        if change.state is ami.State.WAITING:
            waiting.set()

    server = amisim.Server()
    server.start()
"""


def test_a_program_may_end_while_a_lost_link_is_made_again():
    program = """
        manager = ami.connect(server.host, server.port, username="admin", secret="secret", reconnect=late)
        manager.register_callback(ami.StateChange, note)
        server.disconnect()
        assert waiting.wait(20)
        print(manager.state)
    """
    assert run(textwrap.dedent(PROGRAM) + textwrap.dedent(program)) == "waiting\n"


def test_a_loop_may_end_while_a_lost_link_is_made_again():
    program = """
        async def main():
            manager = await aio.connect(server.host, server.port, username="admin", secret="secret", reconnect=late)
            lost = asyncio.Event()
            manager.register_callback(ami.StateChange, lambda change, manager: lost.set())
            stream = manager.events()
            server.disconnect()
            while manager.state is not ami.State.WAITING:
                await lost.wait()
                lost.clear()
            print(manager.state)

        asyncio.run(main())
        server.stop()
    """
    assert run(textwrap.dedent(PROGRAM) + textwrap.dedent(program)) == "waiting\n"


def test_a_program_may_end_in_a_callback_that_waits():
    program = """
        begun = threading.Event()

        def slow(event, manager):
            begun.set()
            threading.Event().wait()

        manager = ami.connect(server.host, server.port, username="admin", secret="secret")
        manager.register_callback("Hangup", slow)
        server.emit(amisim.event("Hangup"))
        assert begun.wait(20)
        print("done")
    """
    assert run(textwrap.dedent(PROGRAM) + textwrap.dedent(program)) == "done\n"
