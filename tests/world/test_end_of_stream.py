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
