"""The wallboard, with a fake Asterisk; each test takes some milliseconds, whatever it waits for."""

import threading
from collections.abc import Callable, Iterator
from itertools import groupby

import pytest

import ami
import amisim
from amisim import event, list_complete, response, wait
from amisim.steps import Step
from wallboard import Row, Wallboard, main, table

Follow = Callable[[], list[Row]]

QUIET = Row("support", waiting=0, longest=0, free=("Alice",), agents=2, fresh=True)


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
    """Start a wallboard; what it shows is added to the list."""
    shown: list[Row] = []
    with ami.connect(
        ami_server.host, ami_server.port, username=ami_server.username, secret=ami_server.secret
    ) as manager:
        following = threading.Thread(target=Wallboard(manager, ["support"], shown.extend).run)

        def start() -> list[Row]:
            following.start()
            ami_clock.advance(0)
            return shown

        yield start
    following.join()


def test_callers_come_wait_and_leave(pbx: amisim.Server, follow: Follow, ami_clock: amisim.World) -> None:
    pbx.on("QueueStatus").reply(*picture(caller(1, seconds=7)))
    shown = follow()
    assert shown == [QUIET._replace(waiting=1, longest=7)]

    ami_clock.advance(60)
    for number in (1, 2):  # of the first one it knows: what was under way when it asked comes, too
        pbx.emit(event("QueueCallerJoin", Queue="support", Channel=f"PJSIP/trunk-{number}"))
    ami_clock.advance(1)
    assert shown[-1] == QUIET._replace(waiting=2, longest=68)

    pbx.emit(event("QueueCallerLeave", Queue="support", Channel="PJSIP/trunk-1"))
    ami_clock.advance(10)
    assert shown[-1] == QUIET._replace(waiting=1, longest=11)


@pytest.mark.parametrize(
    ("status", "paused", "free"), [(1, 0, ("Alice", "Bob")), (1, 1, ("Alice",)), (2, 0, ("Alice",))]
)
def test_agents_are_free_or_not(
    pbx: amisim.Server, follow: Follow, ami_clock: amisim.World, status: int, paused: int, free: tuple[str, ...]
) -> None:
    bob = {"MemberName": "Bob", "Interface": "PJSIP/200", "Status": status, "Paused": paused}
    shown = follow()
    pbx.emit(event("QueueMemberPause", Queue="support", **bob))
    pbx.emit(event("QueueMemberPause", Queue="sales", **bob))
    ami_clock.advance(1)
    assert shown[-1] == QUIET._replace(free=free)


def test_agents_come_and_go(pbx: amisim.Server, follow: Follow, ami_clock: amisim.World) -> None:
    shown = follow()
    carol = {"MemberName": "Carol", "Interface": "PJSIP/300", "Status": 1, "Paused": 0}
    pbx.emit(event("QueueMemberAdded", Queue="support", **carol))
    pbx.emit(event("QueueMemberRemoved", Queue="support", MemberName="Alice", Interface="PJSIP/100"))
    ami_clock.advance(1)
    assert shown[-1] == QUIET._replace(free=("Carol",))


def test_a_pbx_that_does_not_answer_is_asked_again(pbx: amisim.Server, follow: Follow, ami_clock: amisim.World) -> None:
    pbx.on("QueueStatus").times(1).reply()
    shown = follow()
    ami_clock.advance(2)
    assert shown == [Row("support", 0, 0, (), 0, fresh=False)]
    ami_clock.advance(1)
    assert shown[-1] == QUIET


def test_an_answer_that_comes_too_late_is_not_mistaken_for_the_next(
    pbx: amisim.Server, follow: Follow, ami_clock: amisim.World
) -> None:
    pbx.on("QueueStatus").times(1).reply(wait(4), *picture(caller(1, seconds=7)))
    shown = follow()
    ami_clock.advance(10)
    assert [row.fresh for row in shown][:2] == [False, True]
    assert set(shown[1:]) == {QUIET}
    assert len([action for action in pbx.actions if action.name == "QueueStatus"]) == 2


@pytest.mark.ami(faults=["missing_complete complete QueueStatus nth=2"])
def test_half_a_picture_is_not_shown(pbx: amisim.Server, follow: Follow, ami_clock: amisim.World) -> None:
    shown = follow()
    pbx.on("QueueStatus").reply(*picture(caller(1, seconds=7)))
    pbx.disconnect()
    ami_clock.advance(3)  # it is there again after a second at most; then the list has 2 s
    assert shown[-1] == QUIET._replace(fresh=False)
    ami_clock.advance(2)
    assert shown[-1]._replace(longest=7) == QUIET._replace(waiting=1, longest=7)


@pytest.mark.ami(faults=["refuse connection after_seconds=0.1 times=2"])
def test_what_happened_while_the_link_was_down_is_asked_for(
    pbx: amisim.Server, follow: Follow, ami_clock: amisim.World
) -> None:
    pbx.on("QueueStatus").times(1).reply(*picture(caller(1, seconds=7)))
    shown = follow()
    assert shown[-1] == QUIET._replace(waiting=1, longest=7)
    pbx.disconnect("reset")
    ami_clock.advance(1)
    assert shown[-1] == QUIET._replace(waiting=1, longest=8, fresh=False)
    ami_clock.advance(5)
    assert shown[-1] == QUIET


@pytest.mark.ami(faults=["silent event QueueCallerJoin times=1"])
def test_a_link_that_died_without_a_word_is_noticed(
    pbx: amisim.Server, follow: Follow, ami_clock: amisim.World
) -> None:
    shown = follow()
    pbx.emit(event("QueueCallerJoin", Queue="support", Channel="PJSIP/trunk-1"))
    pbx.on("QueueStatus").reply(*picture(caller(1, seconds=35)))
    ami_clock.advance(34)
    assert shown[-1] == QUIET  # nobody can know better: a ping comes after 30 s of silence, and has 5 s for its answer
    ami_clock.advance(6)
    assert shown[-1].waiting == 1


@pytest.mark.ami(faults=["flood 1500 event QueueMemberStatus"])
def test_a_flood_of_changes_is_shown_once(pbx: amisim.Server, follow: Follow, ami_clock: amisim.World) -> None:
    shown = follow()
    pbx.emit(event("QueueMemberStatus", Queue="support", MemberName="Bob", Interface="PJSIP/200", Status=1, Paused=0))
    ami_clock.advance(2)
    assert shown == [QUIET, *[QUIET._replace(free=("Alice", "Bob"))] * 2]


@pytest.mark.ami(recording="queue-call", speed=1)
def test_a_call_as_a_real_asterisk_tells_it(ami_server: amisim.Server, follow: Follow, ami_clock: amisim.World) -> None:
    shown = follow()
    ami_server.play()
    ami_clock.advance(6)
    assert [waiting for waiting, _ in groupby(row.waiting for row in shown)] == [0, 1, 0]
    assert shown[-1].agents == 2


def test_the_table() -> None:
    rows = [Row("support", 2, 67, ("Alice", "Bob"), 3, fresh=True), Row("sales", 0, 0, (), 0, fresh=False)]
    assert table(rows).splitlines() == [
        "queue        waiting longest  free agents",
        "support            2    67 s  2 of 3: Alice, Bob",
        "sales              0     0 s  0 of 0: nobody  (old)",
    ]


def test_a_login_that_is_refused_ends_the_program(
    ami_server_factory: Callable[..., amisim.Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ami_server_factory(port=5038)  # in the test's own world, where every port is free
    monkeypatch.setattr("sys.argv", ["wallboard", server.host, "admin", "wrong", "support"])
    with pytest.raises(SystemExit, match="ManagerAuthError: Authentication failed"):
        main()
