"""Queues do in a world what they really do, but for the time."""

import queue

import pytest

ORDERED = ["Queue", "LifoQueue", "PriorityQueue"]


@pytest.mark.parametrize("kind", [*ORDERED, "SimpleQueue"])
def test_an_empty_queue(alike, kind):
    def program(m):
        items = getattr(m.queue, kind)()
        return [
            m.error(items.get_nowait),
            m.error(items.get, False),
            m.error(items.get, block=False, timeout=5),
            m.error(items.get, timeout=0),
            m.error(items.get, timeout=2 * m.unit),
            m.error(items.get, timeout=-1),
            items.empty(),
            items.qsize(),
        ]

    seen = alike(program, takes=2)
    assert [each[0] for each in seen[:6]] == [queue.Empty] * 5 + [ValueError]


@pytest.mark.parametrize("kind", ORDERED)
def test_a_full_queue(alike, kind):
    def program(m):
        items = getattr(m.queue, kind)(2)
        items.put(1)
        items.put(2, timeout=m.unit)
        seen = [
            m.error(items.put_nowait, 3),
            m.error(items.put, 3, False),
            m.error(items.put, 3, timeout=0),
            m.error(items.put, 3, timeout=2 * m.unit),
            m.error(items.put, 3, timeout=-1),
            items.full(),
        ]
        taken = []
        timer = m.threading.Timer(m.unit, lambda: taken.append(items.get()))
        timer.start()
        return [*seen, items.put(3), sorted([items.get(), items.get(), *taken]), items.maxsize]

    seen = alike(program, takes=3)
    assert [each[0] for each in seen[:5]] == [queue.Full] * 4 + [ValueError]


@pytest.mark.parametrize("kind", [*ORDERED, "SimpleQueue"])
def test_the_order_of_what_is_taken(alike, kind):
    def program(m):
        items = getattr(m.queue, kind)()
        for each in (2, 3, 1):
            items.put(each, True, None)
        return [items.get(), items.get(True, None), items.get_nowait()]

    assert sorted(alike(program)) == [1, 2, 3]


@pytest.mark.parametrize("kind", [*ORDERED, "SimpleQueue"])
def test_who_waits_gets_what_comes(alike, kind):
    def program(m):
        items = getattr(m.queue, kind)()
        timer = m.threading.Timer(2 * m.unit, items.put, ["x"])
        timer.start()
        return items.get(timeout=60 * m.unit)

    assert alike(program, takes=2) == "x"


def test_a_queue_whose_tasks_are_done(alike):
    def program(m):
        items = m.queue.Queue()
        seen = []

        def work():
            while (item := items.get()) is not None:
                m.time.sleep(m.unit)
                seen.append(item)
                items.task_done()

        m.start(work)
        for each in range(3):
            items.put(each)
        items.join()
        return list(seen), items.unfinished_tasks, m.error(items.task_done)

    alike(program, takes=3)


def test_many_producers_and_consumers_lose_nothing(alike):
    def program(m):
        items, results = m.queue.Queue(3), m.queue.SimpleQueue()

        def produce(first):
            for each in range(first, first + 20):
                items.put(each)

        def consume():
            while (item := items.get()) is not None:
                results.put(item)

        consumers = [m.start(consume) for _ in range(3)]
        producers = [m.start(produce, each * 20) for each in range(4)]
        for each in producers:
            each.join()
        for _ in consumers:
            items.put(None)
        for each in consumers:
            each.join()
        return sorted(results.get() for _ in range(results.qsize()))

    assert alike(program, takes=0) == list(range(80))
