"""Messages of a few lines."""

from collections.abc import Callable

from ami.message import Message


def frame(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "surrogateescape")


def message(*lines: str) -> Message:
    return Message(frame(*lines))


def outcome(function: Callable[[], object]) -> object:
    """What a call brings, so that two can be compared; objects that are not equal by themselves are unfolded."""
    try:
        result = function()
    except Exception as error:
        return type(error)
    return result if isinstance(result, (str, int, bool, dict, type(None))) else list(result)
