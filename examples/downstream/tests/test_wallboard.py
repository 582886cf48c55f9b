"""The wallboard, with a fake Asterisk; the tests wait for what is to be shown, and pass at any speed of time."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import ami
import amisim
from amisim import event, list_complete, response, wait
from amisim.steps import Step
from wallboard import Row, Wallboard, main, table

QUIET = Row("support", waiting=0, longest=0, free=("Alice",), agents=2, fresh=True)
UNKNOWN = Row("support", waiting=0, longest=0, free=(), agents=0, fresh=False)
CAROL = event("QueueMemberAdded", Queue="support", MemberName="Carol", Interface="PJSIP/300", Status=1, Paused=0)


def about(seconds: int) -> Any:
    """So long, or 10 s more or less: at fifty times the speed, a busy machine may well take 0.2 s for something."""
    return pytest.approx(seconds, abs=10)


class Screen:
    """Where a wallboard is shown."""

    def __init__(self, clock: amisim.World) -> None:
        self._clock = clock
        self._rows: queue.Queue[Row] = queue.Queue()

    def show(self, rows: list[Row]) -> None:
        """What the wallboard calls."""
        for row in rows:
            self._rows.put(row)

    def until(self, wanted: Row) -> list[Row]:
        """All that is shown from now on until it is as wanted, which may take two minutes."""
        rows = [self._rows.get(timeout=120)]
        end = self._clock.now + 120
        while rows[-1] != wanted:
            assert self._clock.now < end, f"{wanted} was not shown, but {rows}"
            rows.append(self._rows.get(timeout=120))
        return rows


Follow = Callable[[], Screen]


def picture(*callers: Step) -> list[Step]:
    """What answers `QueueStatus`: Alice is free, Bob is not."""
    return [
        response(EventList="start"),
        event("QueueMember", Queue="support", Name="Alice", Location="PJSIP/100", Status=1, Paused=0),
        event("QueueMember", Queue="support", Name="Bob", Location="PJSIP/200", Status=1, Paused=1),
        *callers,
        list_complete(),
    ]


def caller(number: int, seconds: int) -> Step:
    """Who has waited for so long."""
    return event("QueueEntry", Queue="support", Position=1, Channel=f"PJSIP/trunk-{number}", Wait=seconds)


@pytest.fixture
def pbx(ami_server: amisim.Server) -> amisim.Server:
    """A PBX with a queue in which nobody waits."""
    ami_server.on("QueueStatus", Queue="support").reply(*picture())
    return ami_server


@pytest.fixture
def follow(ami_server: amisim.Server, ami_clock: amisim.World) -> Iterator[Follow]:
    """Start a wallboard; the screen is where it is shown."""
    screen = Screen(ami_clock)
    with ami.connect(
        ami_server.host, ami_server.port, username=ami_server.username, secret=ami_server.secret
    ) as manager:
        following = threading.Thread(target=Wallboard(manager, ["support"], screen.show).run)

        def start() -> Screen:
            following.start()
            return screen

        yield start
    following.join()


def test_callers_come_wait_and_leave(pbx: amisim.Server, follow: Follow) -> None:
    pbx.on("QueueStatus").reply(*picture(caller(1, seconds=7)))
    screen = follow()
    screen.until(QUIET._replace(waiting=1, longest=about(7)))
    screen.until(QUIET._replace(waiting=1, longest=about(30)))

    for number in (1, 2):  # of the first one it knows: what was under way when it asked comes, too
        pbx.emit(event("QueueCallerJoin", Queue="support", Channel=f"PJSIP/trunk-{number}"))
    screen.until(QUIET._replace(waiting=2, longest=about(30)))

    pbx.emit(event("QueueCallerLeave", Queue="support", Channel="PJSIP/trunk-1"))
    screen.until(QUIET._replace(waiting=1, longest=about(1)))


@pytest.mark.parametrize(
    ("status", "paused", "free"), [(1, 0, ("Alice", "Bob")), (1, 1, ("Alice",)), (2, 0, ("Alice",))]
)
def test_agents_are_free_or_not(
    pbx: amisim.Server, follow: Follow, status: int, paused: int, free: tuple[str, ...]
) -> None:
    bob = {"MemberName": "Bob", "Interface": "PJSIP/200", "Status": status, "Paused": paused}
    screen = follow()
    screen.until(QUIET)
    pbx.emit(event("QueueMemberPause", Queue="support", **bob))
    pbx.emit(event("QueueMemberPause", Queue="sales", **bob))
    pbx.emit(CAROL)  # when she is shown, what was before her is, too
    screen.until(QUIET._replace(free=(*free, "Carol"), agents=3))


def test_agents_come_and_go(pbx: amisim.Server, follow: Follow) -> None:
    screen = follow()
    screen.until(QUIET)
    pbx.emit(CAROL)
    pbx.emit(event("QueueMemberRemoved", Queue="support", MemberName="Alice", Interface="PJSIP/100"))
    screen.until(QUIET._replace(free=("Carol",)))


def test_a_pbx_that_does_not_answer_is_asked_again(pbx: amisim.Server, follow: Follow) -> None:
    pbx.on("QueueStatus").times(1).reply()
    assert set(follow().until(QUIET)) == {UNKNOWN, QUIET}


def test_an_answer_that_comes_too_late_is_not_mistaken_for_the_next(pbx: amisim.Server, follow: Follow) -> None:
    pbx.on("QueueStatus").times(1).reply(wait(20), *picture(caller(1, seconds=7)))
    assert set(follow().until(QUIET)) == {UNKNOWN, QUIET}


def test_half_a_picture_is_not_shown(pbx: amisim.Server, follow: Follow) -> None:
    screen = follow()
    screen.until(QUIET)
    pbx.on("QueueStatus").reply(*picture(caller(1, seconds=9), caller(2, seconds=7)))
    pbx.on("QueueStatus").times(1).reply(*picture(caller(1, seconds=7))).fault("missing_complete complete")
    pbx.disconnect()
    rows = screen.until(QUIET._replace(waiting=2, longest=about(9)))
    assert {row.waiting for row in rows} == {0, 2}


@pytest.mark.ami(faults=["refuse connection after_seconds=0.1 times=4"])
def test_what_happened_while_the_link_was_down_is_asked_for(pbx: amisim.Server, follow: Follow) -> None:
    pbx.on("QueueStatus").reply(*picture(caller(1, seconds=7)))
    screen = follow()
    screen.until(QUIET._replace(waiting=1, longest=about(7)))
    pbx.on("QueueStatus").reply(*picture())
    pbx.disconnect("reset")
    screen.until(QUIET._replace(waiting=1, longest=about(8), fresh=False))
    screen.until(QUIET)


@pytest.mark.ami(faults=["silent event QueueCallerJoin times=1"])
def test_a_link_that_died_without_a_word_is_noticed(
    pbx: amisim.Server, follow: Follow, ami_clock: amisim.World
) -> None:
    screen = follow()
    screen.until(QUIET)
    pbx.on("QueueStatus").reply(*picture(caller(1, seconds=35)))
    pbx.emit(event("QueueCallerJoin", Queue="support", Channel="PJSIP/trunk-1"))
    screen.until(QUIET._replace(waiting=1, longest=about(35)))
    assert ami_clock.now >= 35  # a ping comes after 30 s of silence, and has 5 s for its answer


@pytest.mark.ami(faults=["flood 1500 event QueueMemberStatus"])
def test_a_flood_of_changes_is_shown_once(pbx: amisim.Server, follow: Follow, ami_clock: amisim.World) -> None:
    screen = follow()
    screen.until(QUIET)
    pbx.emit(event("QueueMemberStatus", Queue="support", MemberName="Bob", Interface="PJSIP/200", Status=1, Paused=0))
    pbx.emit(CAROL)
    rows = screen.until(QUIET._replace(free=("Alice", "Bob", "Carol"), agents=3))
    assert len(rows) <= ami_clock.now + 1  # one each second


@pytest.mark.ami(recording="queue-call", speed=0.2)  # who waits does so for 8 s then: that is shown
def test_a_call_as_a_real_asterisk_tells_it(ami_server: amisim.Server, follow: Follow) -> None:
    nobody = Row("support", waiting=0, longest=0, free=(), agents=2, fresh=True)
    screen = follow()
    screen.until(nobody)
    ami_server.play()
    screen.until(nobody._replace(waiting=1, longest=about(1)))
    screen.until(nobody)


def test_the_table() -> None:
    rows = [Row("support", 2, 67, ("Alice", "Bob"), 3, fresh=True), Row("sales", 0, 0, (), 0, fresh=False)]
    assert table(rows).splitlines() == [
        "queue        waiting longest  free agents",
        "support            2    67 s  2 of 3: Alice, Bob",
        "sales              0     0 s  0 of 0: nobody  (old)",
    ]


@pytest.mark.ami(time="virtual")  # the port is that of every Asterisk: there alone it is free for sure
def test_a_login_that_is_refused_ends_the_program(
    ami_server_factory: Callable[..., amisim.Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ami_server_factory(port=5038)
    monkeypatch.setattr("sys.argv", ["wallboard", server.host, "admin", "wrong", "support"])
    with pytest.raises(SystemExit, match="ManagerAuthError: Authentication failed"):
        main()
