"""The asyncio manager behind the methods of the threaded one, so that one suite of behaviour runs over both."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ami
from ami import aio

GUARD = 30
"""Seconds after which a test that waits for the loop is broken."""


class Loop:
    """An event loop in a thread of its own, and threads for callbacks, which may wait for the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop")
        self._thread.start()
        self.pool = ThreadPoolExecutor(32, thread_name_prefix="callback")

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the loop; wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(GUARD)

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function in the loop's thread."""

        async def call() -> Any:
            return function(*args, **kwargs)

        return self.run(call())

    def tasks(self) -> list[str]:
        """The names of the library's tasks that are still there."""

        async def look() -> list[str]:
            for _ in range(50):  # what was told to end needs some turns of the loop
                names = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("ami-")]
                if not names:
                    break
                await asyncio.sleep(0.01)
            return names

        names: list[str] = self.run(look())
        return names

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.pool.shutdown()


class Stream:
    """An event stream of the asyncio manager, to be used from any thread."""

    def __init__(self, loop: Loop, stream: aio.EventStream) -> None:
        self._loop, self._stream = loop, stream

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._loop.run(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def get(self, timeout: float | None = None) -> Any:
        return self._loop.run(self._stream.get(timeout))

    def close(self) -> None:
        self._loop.call(self._stream.close)

    @property
    def depth(self) -> int:
        return self._stream.depth

    @property
    def lost(self) -> int:
        return self._stream.lost


class Call:
    """A call of the asyncio manager, to be used from any thread."""

    def __init__(self, loop: Loop, call: aio.Call) -> None:
        self._loop, self._call = loop, call

    def __repr__(self) -> str:
        return str(self._loop.call(repr, self._call))

    @property
    def progress(self) -> Any:
        return self._loop.call(lambda: self._call.progress)

    def wait(self, timeout: float | None = None) -> Any:
        return self._loop.run(self._call.wait(timeout))

    def wait_ended(self, timeout: float | None = None) -> Any:
        return self._loop.run(self._call.wait_ended(timeout))

    def hang_up(self, cause: int | None = None) -> Any:
        return self._loop.run(self._call.hang_up(cause))


class AsyncManager:
    """`ami.aio.Manager` with the methods of `ami.Manager`, to be used from any thread, and from callbacks."""

    def __init__(self, loop: Loop, manager: aio.Manager) -> None:
        self._loop, self.manager = loop, manager
        self._wrappers: dict[Any, Callable[..., Any]] = {}

    def __enter__(self) -> "AsyncManager":
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.run(self.manager.__aexit__(*error))

    def __repr__(self) -> str:
        return repr(self.manager)

    def connect(self, *args: Any, **kwargs: Any) -> None:
        self._loop.run(self.manager.connect(*args, **kwargs))

    def login(self, *args: Any, **kwargs: Any) -> ami.Response:
        response: ami.Response = self._loop.run(self.manager.login(*args, **kwargs))
        return response

    def disconnect(self) -> None:
        self._loop.run(self.manager.disconnect())

    def close(self) -> None:
        self._loop.run(self.manager.close())

    def send_action(self, *args: Any, **kwargs: Any) -> Any:
        return self._loop.run(self.manager.send_action(*args, **kwargs))

    def originate(self, *args: Any, **kwargs: Any) -> Call:
        return Call(self._loop, self._loop.run(self.manager.originate(*args, **kwargs)))

    def events(self, *args: Any, **kwargs: Any) -> Stream:
        return Stream(self._loop, self._loop.call(self.manager.events, *args, **kwargs))

    def monitor_connection(self, *args: Any, **kwargs: Any) -> Any:
        return self._loop.call(self.manager.monitor_connection, *args, **kwargs)

    def is_connected(self) -> bool:
        return self.manager.is_connected()

    def get_asterisk_info(self) -> tuple[str, str] | None:
        return self.manager.get_asterisk_info()

    def get_connection(self) -> Any:
        return self.manager.get_connection()

    @property
    def state(self) -> ami.State:
        return self.manager.state

    @property
    def queue_depth(self) -> int:
        return self.manager.queue_depth

    def register_callback(self, event: Any, function: Callable[..., Any]) -> None:
        self._loop.call(self.manager.register_callback, event, self._wrapper(function))

    def unregister_callback(self, event: Any, function: Callable[..., Any]) -> bool:
        return bool(self._loop.call(self.manager.unregister_callback, event, self._wrapper(function)))

    def _wrapper(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function as a callback of the asyncio manager: run in a thread, so that it may wait for the manager."""
        if not callable(function):
            return function

        async def callback(event: Any, manager: aio.Manager) -> None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._loop.pool, function, event, self)

        return self._wrappers.setdefault(function, callback)  # several threads may ask at once
