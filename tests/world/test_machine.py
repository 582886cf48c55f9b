"""Anything that may happen between clients, server and faults, in a world: actions end once, events come in order."""

import threading

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import ami
from ami import aio, core
from amisim import World, event, list_complete, response, wait

# Nothing that brings events twice or in another order: that is what must not come about.
FAULTS = (
    "split 1 p=0.3", "delay 2 response * p=0.4", "delay 7 response Ping p=0.5", "jitter 0.5 event * p=0.3",
    "drop response * p=0.2", "drop event * p=0.2", "unknown_action_id response * p=0.3", "missing_complete p=0.5",
    "no_action_id response * p=0.3", "wrong_count p=0.5", "bad_utf8 event * p=0.3", "truncate event * p=0.2",
    "blank_lines 2 p=0.2", "lone_lf event * p=0.2", "junk p=0.2", "reset response Ping p=0.3",
    "half_close event * p=0.1", "cut 700", "coalesce p=0.2", "stall 3 p=0.2", "error_in_list p=0.3",
    "permission_denied answer Ping p=0.3", "restart response Ping p=0.2", "long_line 5000 event * p=0.2",
)  # fmt: skip
RECONNECT = ami.Reconnect(initial=1, maximum=5)


def items():
    """A list of three."""
    yield response(EventList="start")
    for name in "abc":
        yield event("QueueMember", Name=name)
    yield list_complete(ListItems=3)


class Clients(RuleBasedStateMachine):
    """Two clients of one server, one with threads, one with asyncio."""

    @initialize(seed=st.integers(0, 2**16), faults=st.lists(st.sampled_from(FAULTS), max_size=4, unique=True))
    def begin(self, seed, faults):
        self.threads = set(threading.enumerate())
        self.world = World(seed, faults=faults)
        self.world.__enter__()
        self.server = self.world.server()
        self.server.on("QueueStatus").reply(*items())
        self.server.on("Getvar").reply(wait(1), response(Value="x"))
        self.sent = 0
        self.outcomes: list[tuple[int, object]] = []
        self.emitted = 0
        self.heard: dict[str, list[int]] = {"threads": [], "asyncio": []}
        self.senders = []
        self.manager = ami.Manager(runtime=self.world.runtime, reconnect=RECONNECT, queue_size=100_000)
        self.manager.register_callback("UserEvent", self.callback("threads"))
        self.commands = self.world.modules["queue"].SimpleQueue()
        self.loop_thread = self.thread(lambda: self.world.run(self.serve()))
        try:
            self.manager.connect(self.server.host, self.server.port)
            self.manager.login("admin", "secret")
        except ami.Error:
            pass

    def thread(self, target):
        thread = self.world.modules["threading"].Thread(target=target, daemon=True)
        thread.start()
        return thread

    def callback(self, name):
        def hear(event, manager):
            serial = event.get("Serial", "")
            if serial.isdecimal():  # and not spoilt by a fault
                self.heard[name].append(int(serial))

        return hear

    async def serve(self):
        """The client with asyncio: it takes commands from a queue until there is None."""
        import asyncio

        tasks = []
        async with aio.Manager(reconnect=RECONNECT, queue_size=100_000) as manager:
            manager.register_callback("UserEvent", self.callback("asyncio"))
            try:
                await manager.connect(self.server.host, self.server.port)
                await manager.login("admin", "secret")
            except ami.Error:
                pass
            while (number_and_request := await asyncio.to_thread(self.commands.get)) is not None:
                tasks.append(asyncio.create_task(self.ask(manager, *number_and_request)))
            await asyncio.gather(*tasks)

    async def ask(self, manager, number, request):
        try:
            self.outcomes.append((number, await manager.send_action(request)))
        except ami.Error as error:
            self.outcomes.append((number, error))

    def request(self, kind, timeout):
        request = {
            "ping": core.Ping, "list": lambda: core.QueueStatus("support"), "slow": lambda: core.Getvar("x"),
        }[kind]()  # fmt: skip
        request.synchronous = kind == "list"
        request.timeout = timeout
        return request

    @rule(
        kind=st.sampled_from(["ping", "list", "slow"]),
        timeout=st.sampled_from([0.5, 2, 5]),
        driver=st.sampled_from(["threads", "asyncio"]),
    )
    def send(self, kind, timeout, driver):
        self.sent += 1
        number, request = self.sent, self.request(kind, timeout)
        if driver == "asyncio":
            self.commands.put((number, request))
            return

        def send():
            try:
                self.outcomes.append((number, self.manager.send_action(request)))
            except ami.Error as error:
                self.outcomes.append((number, error))

        self.senders.append(self.thread(send))

    @rule(count=st.integers(1, 20))
    def emit(self, count):
        for _ in range(count):
            self.emitted += 1
            self.server.emit(event("UserEvent", UserEvent="Serial", Serial=str(self.emitted)))

    @rule(seconds=st.sampled_from([0, 0.1, 1, 10]))
    def advance(self, seconds):
        self.world.advance(seconds)

    @rule(how=st.sampled_from(["eof", "reset"]))
    def cut(self, how):
        self.server.disconnect(how)

    def teardown(self):
        if not hasattr(self, "world"):
            return
        try:
            self.commands.put(None)
            for each in [*self.senders, self.loop_thread]:
                each.join()
            self.manager.close()
        finally:
            self.world.__exit__(None, None, None)
        assert sorted(number for number, _ in self.outcomes) == list(range(1, self.sent + 1))
        for heard in self.heard.values():
            assert heard == sorted(set(heard))
            assert max(heard, default=0) <= self.emitted
        assert {each for each in threading.enumerate() if each.name.startswith(("ami-", "amisim-"))} <= self.threads


TestClients = Clients.TestCase
TestClients.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
