"""Other people's modules live in a world, and everything is as before when they have left it."""

import importlib
import operator
import queue
import socket
import socketserver
import sys
import threading
import time

import pytest

import ami.runtime
import amisim
from amisim.world import OutsideWorld, WorldError

VICTIM = """
import queue, random, select, selectors, socket as net, threading, time, uuid
from queue import Empty, Queue
from socket import create_connection, timeout
from threading import Event as Signal, Lock, Thread
from time import sleep as nap, monotonic


class Worker(Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.seen = []

    def run(self):
        nap(5)
        self.seen.append(monotonic())


class Other(threading.Thread):
    run = Worker.run
    seen = ()


class Special(Worker):
    pass


class Bounded(Queue):
    pass


def work(kind=Worker):
    worker = kind()
    worker.start()
    worker.join()
    return worker.seen


def take():
    try:
        Bounded().get(timeout=3)
    except Empty:
        return time.monotonic()


def fail():
    nap(1)
    raise KeyError("x")
"""


@pytest.fixture
def victim(tmp_path, monkeypatch):
    """The name of a package with the modules `a`, `b` and `late`, which is not imported."""
    name = f"victim_{tmp_path.name}".replace("-", "_")
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(VICTIM)
    for each in ("a", "b", "late"):
        (tmp_path / name / f"{each}.py").write_text(VICTIM)
    monkeypatch.syspath_prepend(tmp_path)
    for each in ("a", "b"):
        importlib.import_module(f"{name}.{each}")
    yield name
    for each in [each for each in sys.modules if each.partition(".")[0] == name]:
        del sys.modules[each]


def state(name):
    """All that a patch could have changed."""
    found = {each: module for each, module in sys.modules.items() if each == name or each.startswith(f"{name}.")}
    names = {each: dict(vars(module)) for each, module in found.items()}
    return names, {(each, kind): getattr(found[each], kind).__mro__ for each in found for kind in ("Worker", "Other")}


def test_a_module_sees_the_world_under_all_its_names(victim, world):
    module = sys.modules[f"{victim}.a"]
    with world.patch(f"{victim}.a"):
        assert [module.time, module.net, module.selectors] == [
            world.modules[each] for each in ("time", "socket", "selectors")
        ]
        assert module.Lock is world.modules["threading"].Lock
        assert module.Signal is world.modules["threading"].Event
        assert module.create_connection is world.modules["socket"].create_connection
        assert module.Empty is queue.Empty
        assert module.timeout is TimeoutError
        assert module.work() == [5]
        assert module.work(module.Special) == [10]
        assert module.take() == 13
        assert issubclass(module.Other, world.modules["threading"].Thread)


def test_other_modules_do_not(victim, world):
    before = state(f"{victim}.b")
    with world.patch(f"{victim}.a"):
        assert state(f"{victim}.b") == before
        assert (sys.modules[victim].time, sys.modules[victim].Thread) == (time, threading.Thread)
        assert (sys.modules["time"], sys.modules["socket"], sys.modules["queue"]) == (time, socket, queue)


def test_a_package_stands_for_its_modules_that_are_imported(victim, world):
    with world.patch(victim):
        late = importlib.import_module(f"{victim}.late")
        for each in ("", ".a", ".b"):
            assert sys.modules[victim + each].nap is world.modules["time"].sleep
        assert late.nap is time.sleep


def test_a_module_is_imported_if_it_is_not(victim, world):
    with world.patch(f"{victim}.late"):
        assert sys.modules[f"{victim}.late"].nap is world.modules["time"].sleep
    assert sys.modules[f"{victim}.late"].nap is time.sleep


def test_everything_is_as_before_afterwards(victim, world):
    before = state(victim)

    def fail():
        with world.patch(victim):
            sys.modules[victim].fail()

    with pytest.raises(KeyError, match="x"):
        fail()
    assert state(victim) == before
    with world.patch(victim, f"{victim}.a"), world.patch(victim):
        assert state(victim) != before
    assert state(victim) == before


CLOCKS = """
import collections, contextlib, functools, threading, time, typing
from dataclasses import dataclass, field


def default(timeout, clock=time.monotonic, *, sleep=time.sleep, label="as it is"):
    before = clock()
    sleep(timeout)
    return clock() - before


class Poller:
    clock = time.monotonic
    nap = staticmethod(time.sleep)
    label = "as it is"

    def attributes(self, timeout):
        before = self.clock()
        self.nap(timeout)
        return self.clock() - before

    @classmethod
    def of_class(cls, timeout, call=default):
        return call(timeout)

    @staticmethod
    def static(timeout, clock=time.monotonic, sleep=time.sleep):
        return default(timeout, clock, sleep=sleep)

    class Inner:
        def __init__(self, clock=time.monotonic):
            self.clock = clock


def inner(timeout):
    clock = Poller.Inner().clock
    before = clock()
    time.sleep(timeout)
    return clock() - before


@dataclass
class Box:
    ready: threading.Event = field(default_factory=threading.Event)
    clock: object = time.monotonic


def box(timeout):
    each = Box()
    before = each.clock()
    each.ready.wait(timeout)
    return each.clock() - before


class Named(typing.NamedTuple):
    clock: typing.Callable = time.monotonic


Tuple = collections.namedtuple("Tuple", "clock sleep", defaults=(time.monotonic, time.sleep))


def named(timeout):
    before = Named().clock()
    Tuple().sleep(timeout)
    return Tuple().clock() - before


class Stopwatch:
    def __init__(self):
        self.began = self.now

    @property
    def now(self, clock=time.monotonic):
        return clock()

    @functools.cached_property
    def end(self, clock=time.monotonic):
        return clock()

    @functools.singledispatchmethod
    def after(self, seconds, clock=time.monotonic):
        return clock() + seconds


def watched(timeout):
    watch = Stopwatch()
    time.sleep(timeout)
    return (watch.now + watch.end + watch.after(0)) / 3 - watch.began


class Exported:
    def wait(self, timeout, clock=time.monotonic, sleep=time.sleep):
        return default(timeout, clock, sleep=sleep)


Exported.__module__ = __name__.rpartition(".")[0]  # as packages do with what they export


@functools.cache
def cached(timeout, clock=time.monotonic, sleep=time.sleep):
    return default(timeout, clock, sleep=sleep)


@contextlib.contextmanager
def context(timeout, clock=time.monotonic, sleep=time.sleep):
    yield default(timeout, clock, sleep=sleep)


def made(sleep, *, unset=False):
    if unset:
        later = None

    def called(timeout):
        before = time.monotonic()
        sleep(timeout)
        return time.monotonic() - before, lambda: later

    return called


enclosed = made(time.sleep)
lock = threading.Lock()


def wait():
    lock.acquire(timeout=60)
"""


@pytest.fixture
def clocks(victim, tmp_path):
    """A module that has the real clock in other places than its global names."""
    (tmp_path / victim / "clocks.py").write_text(CLOCKS)
    importlib.invalidate_caches()
    return importlib.import_module(f"{victim}.clocks")


WAYS = {
    "default": lambda clocks: clocks.default(5),
    "attributes": lambda clocks: clocks.Poller().attributes(5),
    "of_class": lambda clocks: clocks.Poller.of_class(5),
    "static": lambda clocks: clocks.Poller.static(5),
    "inner": lambda clocks: clocks.inner(5),
    "box": lambda clocks: clocks.box(5),
    "named": lambda clocks: clocks.named(5),
    "watched": lambda clocks: clocks.watched(5),
    "cached": lambda clocks: clocks.cached(5),
    "context": lambda clocks: clocks.context(5).__enter__(),
    "enclosed": lambda clocks: clocks.enclosed(5)[0],
}


@pytest.mark.parametrize("way", WAYS)
def test_defaults_and_attributes_are_the_worlds(clocks, way):
    with amisim.World(patience=0.1) as world, world.patch(clocks.__name__):
        assert (WAYS[way](clocks), world.now) == (5, 5)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("time", ["virtual", "scaled=1000"])
def test_a_world_within_another_has_what_is_patched_in_both(clocks, way, time):
    with amisim.World(time=time) as outer, outer.patch(clocks.__name__):
        with amisim.World(patience=0.1) as inner, inner.patch(clocks.__name__):
            assert (WAYS[way](clocks), inner.now) == (5, 5)
        before = outer.now
        clocks.default(5)
        assert outer.now - before >= 5


def test_classes_and_managers_are_those_of_the_world_within(victim, world):
    module = sys.modules[f"{victim}.a"]
    module.system, module.name = ami.runtime.SYSTEM, socket.gethostname
    with world.patch(victim):
        before = state(victim)
        with amisim.World() as inner, inner.patch(victim):
            assert issubclass(module.Worker, inner.modules["threading"].Thread)
            assert module.system is inner.runtime
            assert module.work() == [5]
        with amisim.World(time="real") as real, real.patch(victim):
            assert module.system is real.runtime
            assert module.name is socket.gethostname  # of which a world of that time has none of its own
        assert state(victim) == before


def test_a_class_that_says_it_is_its_packages_is_patched_with_that(clocks, victim, world):
    with world.patch(victim):
        assert clocks.Exported().wait(5) == world.now == 5
    sys.modules[victim].Exported = clocks.Exported
    with world.patch(clocks.__name__, victim):
        assert clocks.Exported().wait(5) == 5
    assert clocks.Exported.wait.__defaults__ == (time.monotonic, time.sleep)


def test_defaults_and_attributes_are_put_back(clocks):
    def seen():
        named, watched = clocks.Named.__new__, clocks.Stopwatch.now.fget
        functions = (
            named,
            watched,
            clocks.default,
            clocks.Poller.Inner.__init__,
            clocks.Box.__init__,
            clocks.cached.__wrapped__,
        )
        cells = [each.cell_contents for each in (*clocks.enclosed.__closure__[1:], *clocks.Box.__init__.__closure__)]
        return [(each.__defaults__, each.__kwdefaults__) for each in functions], cells, dict(vars(clocks.Poller))

    before = seen()
    with amisim.World() as world, world.patch(clocks.__name__):
        assert all(map(operator.ne, seen(), before))
        assert clocks.default.__kwdefaults__["label"] == clocks.Poller.label == "as it is"
        with world.patch(clocks.__name__):
            pass
        assert seen() != before
    assert seen() == before


def test_what_others_have_made_is_not_patched_with_a_module(victim, clocks, world):
    """A decorator, and what a class has from another module, are theirs."""
    other = sys.modules[f"{victim}.b"]
    other.work.__defaults__ = (time.sleep,)
    clocks.Poller.work, clocks.work = other.work, other.work
    with world.patch(clocks.__name__):
        assert other.work.__defaults__ == (time.sleep,)


class Fixed(type):
    """A metaclass whose classes stay as they are."""

    def __setattr__(cls, name, value):
        raise TypeError("it stays as it is")


def test_an_attribute_that_cannot_be_replaced(clocks, world):
    clocks.Stays = Fixed("Stays", (), {"__module__": clocks.__name__, "clock": time.monotonic})

    def patch():
        with world.patch(clocks.__name__):
            pass

    with pytest.raises(WorldError, match=r"cannot patch .*clocks: clock of its class Stays .*it stays as it is"):
        patch()
    assert clocks.default.__defaults__ == (time.monotonic,)


def test_who_waits_for_what_a_patched_module_made_before_is_not_told_to_patch_it(clocks):
    clocks.lock.acquire()
    told = rf"{clocks.__name__} is patched, but not what it made before"
    with amisim.World(patience=0.1) as world, world.patch(clocks.__name__), pytest.raises(OutsideWorld, match=told):
        clocks.wait()
    with amisim.World(patience=0.1), pytest.raises(OutsideWorld, match=rf'world\.patch\("{clocks.__name__}"\)'):
        clocks.wait()


def test_one_world_after_the_other(victim):
    for _ in range(3):
        with amisim.World() as world, world.patch(victim):
            assert sys.modules[victim].work() == [5]


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


def test_servers_of_the_standard_library(world):
    threading = world.modules["threading"]
    with world.patch("socketserver"), socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with world.modules["socket"].create_connection(server.server_address) as client:
            client.sendall(b"hello\n")
            assert client.recv(100) == b"HELLO\n"
        server.shutdown()
        thread.join()
    assert world.now <= 0.5  # how often it looks whether it is shut down


def test_who_uses_a_server_of_the_standard_library_is_told_to_patch_that():
    with (
        amisim.World(patience=0.1),
        socketserver.TCPServer(("127.0.0.1", 0), Echo) as server,
        pytest.raises(amisim.OutsideWorld, match=r'world\.patch\("socketserver"\)'),
    ):
        server.serve_forever()


@pytest.mark.parametrize("time", ["scaled=100", "real"])
def test_other_kinds_of_time(victim, time):
    module = sys.modules[f"{victim}.a"]
    with amisim.World(time=time) as world, world.patch(f"{victim}.a"):
        assert module.nap is world.modules["time"].sleep
        assert module.Thread is world.modules["threading"].Thread


def test_a_module_that_is_not_there(world, victim):
    before = state(victim)

    def patch(*names):
        with world.patch(*names):
            pass

    with pytest.raises(WorldError, match=r"cannot patch 'no\.such': No module named 'no'"):
        patch(victim, "no.such")
    with pytest.raises(WorldError, match=rf"cannot patch '{victim}\.missing'"):
        patch(f"{victim}.missing")
    with pytest.raises(WorldError, match="cannot patch ''"):
        patch("")
    assert state(victim) == before


class Lazy:
    """What some put in the place of a module, or of a class, and is made when it is needed."""

    @property
    def __class__(self):
        raise RuntimeError("too early")


def test_what_is_no_module_is_left_alone(victim, world):
    sys.modules[f"{victim}.halted"] = None
    sys.modules[f"{victim}.lazy"] = Lazy()
    sys.modules[f"{victim}.a"].proxy = Lazy()
    with world.patch(victim):
        assert sys.modules[f"{victim}.a"].work() == [5]
    for name, problem in {"halted": "None in sys.modules", "lazy": "it is a Lazy, which has taken"}.items():
        with pytest.raises(WorldError, match=rf"cannot patch '{victim}\.{name}': .*{problem}"):
            world.patch(f"{victim}.{name}").__enter__()


def test_a_class_that_cannot_live_in_a_world(victim, world):
    module = sys.modules[f"{victim}.a"]
    module.Tunnel = type("Tunnel", (socket.socket,), {"__module__": module.__name__})
    before = state(victim)

    def patch():
        with world.patch(module.__name__):
            pass

    with pytest.raises(WorldError, match=rf"cannot patch {victim}\.a: the base of its class Tunnel "):
        patch()
    assert state(victim) == before
