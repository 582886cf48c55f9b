"""What `makefile` makes in a world is what it really makes, but for the time."""

import pytest


@pytest.mark.parametrize("mode", ["rb", "rwb", "r", "rw"])
def test_lines(alike, mode):
    def program(m):
        client, server = m.connected()
        server.sendall(b"one\r\ntwo\nthree\r\nfour\r\nfive\r\nrest")
        server.close()
        file = client.makefile(mode)
        seen = [file.readline(), file.readline(), file.readline(3), next(file)]
        return [*seen, file.read(2), list(file), file.readline(), file.read()]

    alike(program, takes=0)


def test_reading(alike):
    def program(m):
        client, server = m.connected()
        server.sendall(b"0123456789" * 3)
        with client.makefile("rb") as file:
            seen = [file.read(3), file.peek(2)[:2], file.read1(2), file.readinto(bytearray(4))]
            seen += [file.readable(), file.writable(), file.seekable(), file.name == client.fileno(), file.mode]
            server.shutdown(m.socket.SHUT_WR)
            seen += [file.read(100), file.read(), file.readlines()]
        return [*seen, file.closed, m.error(file.read)[0], m.error(file.readline)[0], client.send(b"open")]

    alike(program, takes=0)


@pytest.mark.parametrize(("mode", "options"), [
    ("wb", {}), ("rwb", {}), ("w", {}), ("w", {"newline": "\r\n"}), ("wb", {"buffering": 0}), ("w", {"buffering": 1}),
])  # fmt: skip
def test_writing(alike, mode, options):
    def program(m):
        client, server = m.connected()
        server.settimeout(m.unit)
        text = "line\n" if "b" not in mode else b"line\n"
        file = client.makefile(mode, **options)
        seen = [file.write(text), m.error(server.recv, 100), file.flush()]
        if not options.get("buffering"):
            seen += [file.writelines([text, text]), file.flush(), server.recv(100)]
        file.write(text)
        file.close()
        client.close()
        data = b""
        while more := server.recv(100):
            data += more
        return seen, data, m.error(file.write, text)[0]

    alike(program)


@pytest.mark.parametrize("mode", ["rb", "r"])
def test_a_time_out_while_reading(alike, mode):
    def program(m):
        client, server = m.connected()
        server.sendall(b"a part")
        client.settimeout(m.unit)
        file = client.makefile(mode)
        seen = [m.error(file.readline), m.error(file.readline), m.error(file.read, 1)]
        client.settimeout(None)
        return [*seen, m.error(file.readline), file.closed]

    alike(program, takes=1)


def test_a_file_of_a_socket_that_does_not_wait(alike):
    def program(m):
        client, server = m.connected()
        client.setblocking(False)
        raw = client.makefile("rb", buffering=0)
        file = client.makefile("rb")
        seen = [raw.read(5), file.read(5), file.read1(5)]
        server.sendall(b"data")
        m.select.select([client], [], [], 5)
        return [*seen, file.read(5)]

    alike(program, takes=0)


def test_what_makefile_refuses(alike):
    def program(m):
        client, _ = m.connected()
        return [
            m.error(client.makefile, "x"),
            m.error(client.makefile, "a"),
            m.error(client.makefile, "r", 0),
            m.error(client.makefile, "rwb", 0).readable(),
            m.error(client.makefile("rb").write, b"x")[0],
            m.error(client.makefile("wb").read)[0],
            m.error(client.makefile("rb").seek, 0)[0],
        ]

    alike(program)


def test_a_file_keeps_its_connection(alike):
    """The last of the socket and its files ends it."""

    def program(m):
        client, server = m.connected()
        server.settimeout(m.unit)
        reader, writer = client.makefile("rb"), client.makefile("wb")
        client.close()
        seen = [m.error(server.recv, 1)]
        reader.close()
        writer.write(b"end")
        seen.append(m.error(server.recv, 1))
        writer.close()
        return [*seen, server.recv(5), server.recv(5)]

    alike(program, takes=2)


def test_somebody_reads_while_another_closes(alike):
    """A file is closed when its reader returns, as the lock in it says."""

    def program(m):
        client, server = m.connected()
        file = client.makefile("rb")
        seen = []
        reader = m.start(lambda: seen.append(m.error(file.readline)))
        m.time.sleep(m.unit)
        closer = m.start(file.close)
        closer.join(m.unit)
        seen.append(closer.is_alive())
        server.sendall(b"line\n")
        for each in (reader, closer):
            each.join()
        return seen, file.closed

    assert alike(program, takes=2) == ([True, b"line\n"], True)


def test_a_shutdown_wakes_who_reads_lines(alike):
    def program(m):
        client, _ = m.connected()
        seen = []
        reader = m.start(lambda: seen.extend(client.makefile("rb")))
        m.time.sleep(m.unit)
        client.shutdown(m.socket.SHUT_RDWR)
        reader.join()
        return seen

    assert alike(program, takes=1) == []


def test_two_threads_read_lines_of_one_file(alike):
    def program(m):
        client, server = m.connected()
        file = client.makefile("rb")
        lines = m.queue.SimpleQueue()

        def read():
            for line in file:
                lines.put(line)

        readers = [m.start(read) for _ in range(2)]
        for each in range(20):
            server.sendall(b"%d\n" % each)
        server.close()
        for each in readers:
            each.join()
        return sorted(lines.get() for _ in range(lines.qsize()))

    assert len(alike(program)) == 20
