"""Who reads on and on at the end of a stream does not stop a world, nor make it slow."""

import pytest

from amisim import World


def test_others_go_on_and_time_passes():
    with World() as world:
        one, other = world.modules["socket"].socketpair()
        other.close()
        heard = []

        def read():
            while not (ended or one.recv(10)):
                heard.append(b"")
                if len(heard) > 10_000:
                    pytest.fail("nobody else has had a turn")

        ended = []
        reader = world.modules["threading"].Thread(target=read)
        reader.start()
        world.sleep(0.1)
        ended.append(True)
        reader.join()
        assert 10 < len(heard) <= 10_000


def test_who_reads_with_a_lock_leaves_it_to_others_in_between():
    with World(switches={}, limit=10) as world:
        lock = world.modules["threading"].Lock()
        one, other = world.modules["socket"].socketpair()
        other.close()
        ended = []

        def read():
            while not ended:
                with lock:
                    one.recv(10)

        reader = world.modules["threading"].Thread(target=read)
        reader.start()
        world.sleep(0.1)
        with lock:
            ended.append(True)
        reader.join()
        assert world.now < 1
