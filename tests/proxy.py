"""The recording proxy, run as its users run it."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def recorded(host: str, port: int, out: Path) -> Iterator[tuple[str, int]]:
    """Record to `out` what clients and the server at `host:port` say; give the address for clients to connect to."""
    command = [sys.executable, "-m", "amisim", "record", "--upstream", f"{host}:{port}", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        try:
            address = re.search(r"connect to (\S+):(\d+)", said)
            assert address is not None, said
            yield address[1], int(address[2])
        finally:
            process.send_signal(signal.SIGINT)
            said += process.communicate()[0]
    assert process.returncode == 0, said
