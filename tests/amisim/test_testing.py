"""`amisim.session`: what the fixtures give, for tests without pytest."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

import amisim
from ami import aio, core
from amisim import response, wait


def test_a_server_a_client_and_a_clock():
    with amisim.session(seed=7, username="ann", secret="other") as ami:
        assert ami.server.actions == []  # the client connects when it is asked for
        ami.server.on("Ping").reply(wait(7), response(Ping="Pong"))
        assert ami.manager.send_action(core.Ping()) is None
        assert ami.clock is ami.world
        assert (ami.clock.now, ami.clock.seed, ami.manager.is_connected()) == (5, 7, True)
        assert [action.name for action in ami.server.actions] == ["Challenge", "Login", "Ping"]
    assert not ami.manager.is_connected()


def test_the_module_that_calls_it_lives_in_the_world():
    with amisim.session() as ami:
        time.sleep(60)
        done = threading.Event()
        threading.Timer(60, done.set).start()
        assert done.wait()
        assert ami.clock.now == 120 == time.monotonic()
    assert time.monotonic() != 120


def test_coroutines_run_in_one_loop():
    async def here():
        return asyncio.get_running_loop()

    async def ping(server):
        async with aio.connect(server.host, server.port, username="admin", secret="secret") as manager:
            await asyncio.sleep(60)
            return (await manager.send_action(core.Ping())).success

    with amisim.session() as ami:
        assert ami.run(here()) is ami.run(here())
        assert ami.run(ping(ami.server))
        assert ami.clock.now == 60


def test_more_servers_and_clients_and_tls():
    with amisim.session(tls=True) as ami:
        assert ami.manager.send_action(core.Ping()).success
        with ami.serve(version="13", tls=False) as other, ami.connected(other) as manager:
            assert manager.get_asterisk_info()[1] == "2.10.6"


def test_settings_of_the_project_hold(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.amikit]\ntime = "scaled=50"\n')
    monkeypatch.chdir(tmp_path)
    with amisim.session() as ami:
        assert ami.clock.kind == "scaled=50"
    with amisim.session(time="virtual") as ami:
        assert ami.clock.kind == "virtual"


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"recoding": "x"}, TypeError, "amisim.session has no argument 'recoding'; did you mean recording?"),
        ({"patch": "json"}, TypeError, r"has a text for patch, which is a list, such as \['json'\]"),
        ({"time": "slow"}, ValueError, "time 'slow' is none of "),
        ({"version": "1.8"}, ValueError, "version '1.8' is not known"),
        ({"recording": "queue-cal"}, amisim.RecordingError, "did you mean 22/queue-call?"),
        ({"scenario": "missing.yaml"}, amisim.ScenarioError, "missing.yaml: cannot be read"),
    ],
)
def test_what_is_wrong_with_options_is_said_before_the_block(options, error, said):
    with pytest.raises(error, match=said), amisim.session(**options):
        raise AssertionError("the block is not reached")


@pytest.mark.parametrize(
    ("options", "does", "said"),
    [
        ({"faults": ["drop event Hangup"]}, lambda ami: None, "this fault hit nothing: drop event Hangup"),
        (
            {"recording": "queue-call"},
            lambda ami: ami.manager.send_action(core.QueueStatus("sales")),
            r"no recorded answer to QueueStatus \(Queue: sales\); nearest in queue-call is ",
        ),
        (
            {},
            lambda ami: ami.server.on("Ping", A="1").reply(response()).required(),
            r"test_testing.py, line \d+: required 1 x, <on Ping, A='1': used 0 times>; what arrived: nothing",
        ),
    ],
    ids=["fault", "miss", "required"],
)
def test_what_is_wrong_in_the_end_is_an_assertion_error(options, does, said):
    with pytest.raises(AssertionError, match=said), amisim.session(**options) as ami:
        does(ami)


def test_an_error_of_the_block_stays_itself_and_has_a_note():
    with pytest.raises(ZeroDivisionError) as caught, amisim.session(faults=["drop event Hangup"], seed=3) as ami:
        assert not ami.manager.send_action(core.Ping()).success / 0
    transcript, about = caught.value.__notes__
    assert transcript.startswith("- amisim transcript -\n")
    assert "← Success:" in transcript.splitlines()[-1]
    assert "virtual time, at 0.000 s, seed 3" in about


def test_unittest_tells_it_as_a_failure(tmp_path):
    (tmp_path / "test_them.py").write_text(
        """
import unittest
import amisim
from ami import core

class TestIt(unittest.TestCase):
    def setUp(self):
        self.ami = self.enterContext(amisim.session(recording="queue-call"))

    def test_ping(self):
        self.assertTrue(self.ami.manager.send_action(core.Ping()).success)

    def test_miss(self):
        self.ami.manager.send_action(core.QueueStatus("sales"))
"""
    )
    run = subprocess.run([sys.executable, "-m", "unittest"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "AssertionError: no recorded answer to QueueStatus (Queue: sales)" in run.stderr
    assert "FAILED (failures=1)" in run.stderr
