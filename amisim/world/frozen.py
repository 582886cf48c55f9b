"""freezegun in step with a world."""

import datetime
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import freezegun
from freezegun.api import FakeDatetime

__all__ = ["frozen"]

_EPOCH, _NOTHING = datetime.datetime(1970, 1, 1), datetime.timedelta(0)


@contextmanager
def frozen(wall_clock: Callable[[], float], utc_offset: float) -> Iterator[None]:
    """Have freezegun show what `wall_clock` says; local time is `utc_offset` hours ahead of UTC."""

    def utc() -> datetime.datetime:
        return _EPOCH + datetime.timedelta(seconds=wall_clock())

    ahead = datetime.timedelta(hours=utc_offset)
    freezer = freezegun.freeze_time(utc(), tz_offset=ahead, ignore=["ami", "amisim"], real_asyncio=True)
    in_step = {"time_to_freeze": property(lambda _: utc())}
    now = vars(FakeDatetime)["now"]
    with _zone(ahead), freezer as factory:
        object.__setattr__(factory, "__class__", type("InStep", (type(factory),), in_step))
        # freezegun's own adds the offset to times that have a zone, too.
        type.__setattr__(FakeDatetime, "now", classmethod(lambda _, tz=None: _now(tz, utc(), ahead)))
        try:
            yield
        finally:
            type.__setattr__(FakeDatetime, "now", now)


@contextmanager
def _zone(ahead: datetime.timedelta) -> Iterator[None]:
    """Have the whole process live `ahead` of UTC, where that can be: so `time.localtime`, written in C, does, too."""
    if not hasattr(time, "tzset"):
        yield
        return
    before = os.environ.get("TZ")
    os.environ["TZ"] = f"<world>{'+' if ahead < _NOTHING else '-'}{abs(ahead)}"  # as POSIX has it: how far behind
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ", None)
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def _now(zone: datetime.tzinfo | None, utc: datetime.datetime, ahead: datetime.timedelta) -> datetime.datetime:
    now = utc + ahead if zone is None else zone.fromutc(utc.replace(tzinfo=zone))
    return FakeDatetime.combine(now.date(), now.timetz())
