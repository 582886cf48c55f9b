"""The time of day in a world, and freezegun in step with it."""

import datetime
import math
import time

import pytest

from amisim import World

NINE = datetime.datetime(2026, 1, 5, 9)


def test_it_begins_at_a_fixed_time():
    with World() as world:
        assert world.wall_time() == NINE.replace(tzinfo=datetime.UTC).timestamp()
        world.advance(1.5)
        assert world.modules["time"].time() == world.wall_time() == NINE.replace(tzinfo=datetime.UTC).timestamp() + 1.5


def test_it_begins_when_it_is_told_to():
    start = datetime.datetime(1999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
    with World(start=start) as world:
        world.advance(1)
        assert world.modules["time"].gmtime()[:6] == (2000, 1, 1, 0, 0, 0)


def test_a_start_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match=r"has no time zone: give it one, such as tzinfo=datetime\.UTC"):
        World(start=NINE)


def test_a_step_of_the_clock_is_noticed_by_nobody_who_waits():
    with World() as world:
        threading = world.modules["threading"]
        ended = []
        sleeper = threading.Thread(target=lambda: (world.sleep(10), ended.append(world.now)))
        sleeper.start()
        before = world.wall_time()
        world.step_clock(-3600)
        assert (world.wall_time() - before, world.now) == (-3600, 0)
        sleeper.join()
        assert ended == [10]


def test_local_time_is_as_far_ahead_as_it_is_told_wherever_it_runs():
    with World(utc_offset=5.5) as world:
        times = world.modules["time"]
        assert times.localtime()[:5] == (2026, 1, 5, 14, 30)
        assert times.gmtime()[:5] == (2026, 1, 5, 9, 0)
        assert times.localtime().tm_gmtoff == 19_800 == -times.timezone
        assert times.mktime(times.localtime()) == times.time()
        assert times.strftime("%H:%M") == "14:30"
        assert times.strftime("%H:%M", times.gmtime()) == "09:00"
        assert times.ctime() == times.asctime() == "Mon Jan  5 14:30:00 2026"
        assert times.localtime(0)[:5] == (1970, 1, 1, 5, 30)
        assert times.time_ns() == times.time() * 1e9


@pytest.mark.parametrize("speed", ["virtual", "scaled=50", "real"])
def test_freezegun_is_in_step(speed):
    def within(shown, expected):
        return (
            datetime.timedelta(0) <= shown - expected < datetime.timedelta(seconds=30 if speed != "virtual" else 1e-6)
        )

    with World(time=speed, utc_offset=2) as world:
        with world.frozen():
            assert within(datetime.datetime.now(), NINE + datetime.timedelta(hours=2))
            assert within(datetime.datetime.now(datetime.UTC).replace(tzinfo=None), NINE)
            assert datetime.date.today() == NINE.date()
            world.advance(0.1)
            assert within(datetime.datetime.now(), NINE + datetime.timedelta(hours=2, seconds=0.1))
            world.step_clock(24 * 3600)
            assert datetime.date.today() == NINE.date() + datetime.timedelta(days=1)
            assert abs(time.time() - world.wall_time()) < 30
        assert abs(time.time() - world.wall_time()) > 30


def test_waits_are_not_touched_by_freezegun():
    with World() as world, world.frozen():
        before = world.now
        world.modules["threading"].Event().wait(60)
        assert world.now - before == 60
        assert datetime.datetime.now() == NINE + datetime.timedelta(seconds=60)


@pytest.fixture
def tokyo():
    """The process lives in another time zone."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("offset", [0, 5.5, -3.25, 14])
def test_all_agree_on_the_local_time_when_it_is_frozen(offset, tokyo):
    before = time.localtime(0)[:5]
    convert = time.localtime  # as logging takes it when it is imported
    with World(utc_offset=offset) as world:
        with world.frozen():
            now = datetime.datetime.now()
            assert now == NINE + datetime.timedelta(hours=offset)
            for fields in (time.localtime(), time.localtime(time.time()), convert(time.time())):
                assert fields[:5] == world.modules["time"].localtime()[:5] == now.timetuple()[:5]
            assert time.gmtime()[:5] == (2026, 1, 5, 9, 0)
            assert time.strftime("%H:%M") == world.modules["time"].strftime("%H:%M") == f"{now:%H:%M}"
            assert time.mktime(time.localtime()) == time.time() == world.wall_time()
            assert datetime.datetime.fromtimestamp(time.time()) == now
            assert datetime.datetime.now().astimezone().utcoffset() == datetime.timedelta(hours=offset)
        assert time.localtime(0)[:5] == before


@pytest.mark.parametrize("offset", [24, -25, math.nan])
def test_no_local_time_is_a_day_or_more_ahead(offset):
    with pytest.raises(ValueError, match=f"utc_offset {offset}: by how many hours, less than 24, "):
        World(utc_offset=offset)
