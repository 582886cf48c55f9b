"""The command `amisim`, run as its users run it."""

import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Self

from click.testing import CliRunner, Result

from amisim.cli import main


def amisim(*args: object) -> Result:
    """Run a command that ends by itself, in this process."""
    return CliRunner().invoke(main, list(map(str, args)), prog_name="amisim")


def said(*args: object) -> str:
    """What a command that succeeds says."""
    result = amisim(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(result: Result) -> str:
    """The one line in which a command says why it cannot."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    line, *others = result.stderr.splitlines()
    assert others == []
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def usage_error(result: Result) -> str:
    """What is said after how the command is used, when it is not used so."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Usage: amisim")
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    return line.removeprefix("Error: ")


class Running:
    """`amisim record` or `amisim replay`, which run until they are told to end."""

    def __init__(self, *args: object, program: str = "", stderr: int = subprocess.PIPE) -> None:
        python = ["-c", program] if program else ["-m", "amisim"]
        command = [sys.executable, *python, *map(str, args)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, encoding="utf-8")
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        address = re.search(r": connect to (\S+):(\d+)(?:, which is .*)?; Ctrl-C ends$", self.first_line)
        if address is None:
            raise AssertionError(self.first_line, *self.process.communicate())
        self.host, self.port = address[1], int(address[2])

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """Exit code, output and errors."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        output, errors = self.process.communicate()
        return self.process.returncode, output, errors or ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def at_terminal(*args: object, **environment: str) -> str:
    """What a command that ends by itself shows at a terminal."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "amisim", *map(str, args)]
    said = b""
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=os.environ | environment):
        os.close(end)
        with suppress(OSError):  # it has ended
            while data := os.read(terminal, 65_536):
                said += data
    os.close(terminal)
    return said.decode()
