"""Messages of any content, as both sides may send them."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ami import core, iax
from ami.catalogue import Event, parse
from ami.message import Message
from ami.request import Request
from ami.wire import encode, encode_message
from amisim.steps import render

__all__ = ["action_frames", "actions", "events", "header_names", "header_values", "headers", "messages", "responses"]

SECONDS = st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0])
"""Lengths of time: few, so that things happen at the same time, and just when time runs out."""

_SPEAKING = frozenset({"event", "response", "action", "actionid", "eventlist", "listitems", "output", "privilege"})
_BLANKS = "".join(map(chr, range(0x21)))

_NAMES = st.text("ABCXYZabcxyz019-_", min_size=1, max_size=10)
_HEADER_NAMES = st.sampled_from(
    ["Channel", "Uniqueid", "Queue", "CallerIDNum", "Cause-txt", "Variable", "ChanVariable(PJSIP/100-00000001)"]
) | _NAMES.filter(lambda name: name.lower() not in _SPEAKING)
_HEADER_VALUES = st.sampled_from(
    ["", "1", "-1", "support", "PJSIP/100-00000001", "1732353600.1", "<unknown>", "a: b", "Event: A", "Ü \u2028"]
) | st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=20).map(
    lambda text: text.lstrip(_BLANKS)
)
_HEADERS = st.tuples(_HEADER_NAMES, _HEADER_VALUES)
_ACTION_IDS = st.sampled_from(["1", "2", "ami-0000000a", "nobody-asked"])
_WORDS = st.sampled_from(["Success", "Error", "Goodbye"])
_EVENT_NAMES = st.sampled_from(["Hangup", "Newchannel", "UserEvent", "QueueMember", "QueueStatusComplete"]) | _NAMES
_ACTION_NAMES = st.sampled_from(["Ping", "QueueStatus", "UserEvent", "Command"]) | _NAMES


def header_names() -> SearchStrategy[str]:
    """Names of headers: some of Asterisk's, and others; none that says what a message is, as `ActionID` does."""
    return _HEADER_NAMES


def header_values() -> SearchStrategy[str]:
    """Values of headers: any text that a client and a server read as it was written.

    So it has no line end, NUL or lone surrogate in it, and no blank before it. It may look like a header.
    """
    return _HEADER_VALUES


def headers(max_size: int = 5) -> SearchStrategy[list[tuple[str, str]]]:
    """Headers as they stand in a message: in order, and some repeated."""
    return st.lists(_HEADERS, max_size=max_size)


def responses() -> SearchStrategy[Message]:
    """Responses: a success, an error or a goodbye, with an ActionID or without, and any headers.

    `response.frame` is what a server sends: `server.on("Ping").reply(raw(response.frame))`.
    """
    return _RESPONSES


def events() -> SearchStrategy[Event]:
    """Events of any name, declared or not, with any headers. `server.emit(event.frame)` sends one."""
    return _EVENTS


def messages() -> SearchStrategy[Message]:
    """What a server says: responses and events."""
    return _RESPONSES | _EVENTS


def actions() -> SearchStrategy[Request]:
    """Actions that can be sent: `manager.send_action(action)`.

    Some are of Asterisk, with a list as the answer or without, and some are not; their `synchronous`, `aggregate` and
    `timeout` (0 to 10 seconds) are any.
    """
    return _actions()


def action_frames() -> SearchStrategy[bytes]:
    """Actions as the bytes that a client sends, for what reads them."""
    return _ACTION_FRAMES


def _action_frame(name: str, action_id: str, others: list[tuple[str, str]]) -> bytes:
    return encode(encode_message([("Action", name), ("ActionID", action_id), *others]))


@st.composite
def _messages(draw: DrawFn, key: str, names: SearchStrategy[str]) -> Any:
    return parse(render([(key, draw(names)), *draw(headers())], draw(_ANY_ACTION_ID)).data)


_ANY_ACTION_ID = st.just("") | _ACTION_IDS
_RESPONSES: SearchStrategy[Message] = _messages("Response", _WORDS)
_EVENTS: SearchStrategy[Event] = _messages("Event", _EVENT_NAMES)
_ACTION_FRAMES = st.builds(_action_frame, _ACTION_NAMES, _ACTION_IDS, headers())

_QUEUES = st.sampled_from(["support", "sales"])
_CHANNELS = st.sampled_from(["PJSIP/100-00000001", "PJSIP/200-00000002", "/^PJSIP/"])
_REQUESTS = st.one_of(
    st.builds(core.Ping),
    st.builds(core.QueueStatus, _QUEUES),
    st.builds(core.CoreShowChannels),
    st.builds(core.Getvar, st.just("EXTEN")),
    st.builds(core.Hangup, _CHANNELS),
    st.builds(iax.IAXpeers),
    st.builds(Request, _ACTION_NAMES),
)


@st.composite
def _actions(draw: DrawFn) -> Request:
    request: Request = draw(_REQUESTS)
    for key, value in draw(headers(2)):
        request.setdefault(key, value)
    request.timeout = draw(_TIMEOUTS)
    how = draw(_HOW)
    request.synchronous, request.aggregate = how == "synchronous", how == "aggregate"
    return request


_TIMEOUTS = st.just(5.0) | SECONDS
_HOW = st.sampled_from(["alone", "synchronous", "aggregate"])
