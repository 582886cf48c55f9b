"""freezegun in step with a world."""

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import freezegun
from freezegun.api import FakeDatetime

__all__ = ["frozen"]

_EPOCH = datetime.datetime(1970, 1, 1)


@contextmanager
def frozen(wall_clock: Callable[[], float], utc_offset: float) -> Iterator[None]:
    """Have freezegun show what `wall_clock` says; local time is `utc_offset` hours ahead of UTC."""

    def utc() -> datetime.datetime:
        return _EPOCH + datetime.timedelta(seconds=wall_clock())

    ahead = datetime.timedelta(hours=utc_offset)
    freezer = freezegun.freeze_time(utc(), tz_offset=ahead, ignore=["ami", "amisim"], real_asyncio=True)
    in_step = {"time_to_freeze": property(lambda _: utc())}
    now = vars(FakeDatetime)["now"]
    with freezer as factory:
        object.__setattr__(factory, "__class__", type("InStep", (type(factory),), in_step))
        # freezegun's own adds the offset to times that have a zone, too.
        type.__setattr__(FakeDatetime, "now", classmethod(lambda _, tz=None: _now(tz, utc(), ahead)))
        try:
            yield
        finally:
            type.__setattr__(FakeDatetime, "now", now)


def _now(zone: datetime.tzinfo | None, utc: datetime.datetime, ahead: datetime.timedelta) -> datetime.datetime:
    now = utc + ahead if zone is None else zone.fromutc(utc.replace(tzinfo=zone))
    return FakeDatetime.combine(now.date(), now.timetz())
