"""The documented names: modules, constants, errors, the manager, and the attributes of requests and messages."""

import inspect
import subprocess
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

import ami
import ami.ami
from ami import core, core_events

# Modules and their names

NAMES = {
    "ami": "Manager Error ManagerError ManagerSocketError EVENT_GENERIC RESPONSE_GENERIC KEY_ACTION KEY_ACTIONID "
    "KEY_EVENT KEY_RESPONSE ami core core_events dahdi dahdi_events app_confbridge app_confbridge_events app_meetme "
    "app_meetme_events generic_transforms",
    "ami.ami": "Manager _MessageTemplate _Message _Event _Aggregate _Request _Response _MessageReader "
    "_SynchronisedSocket Error ManagerError ManagerSocketError _EVENT_REGISTRY _EVENT_REGISTRY_REV EVENT_GENERIC "
    "RESPONSE_GENERIC KEY_ACTION KEY_ACTIONID KEY_EVENT KEY_RESPONSE",
    "ami.core": "ManagerAuthError ORIGINATE_RESULT_MAP",
    "ami.generic_transforms": "to_bool to_int to_float add_result string_to_bytes bytes_to_string",
}
CONSTANTS: dict[str, dict[str, Any]] = {
    "ami": {
        "RESPONSE_GENERIC": "Generic Response", "EVENT_GENERIC": "Generic Event", "KEY_ACTION": "Action",
        "KEY_ACTIONID": "ActionID", "KEY_EVENT": "Event", "KEY_RESPONSE": "Response",
    },
    "ami.ami": {
        "RESPONSE_GENERIC": "Generic Response", "EVENT_GENERIC": "Generic Event", "KEY_ACTION": "Action",
        "KEY_ACTIONID": "ActionID", "KEY_EVENT": "Event", "KEY_RESPONSE": "Response",
    },
    "ami.core": {
        "AUTHTYPE_MD5": "MD5", "EVENTMASK_ALL": "on", "EVENTMASK_NONE": "off", "EVENTMASK_CALL": "call",
        "EVENTMASK_LOG": "log", "EVENTMASK_SYSTEM": "system", "FORMAT_SLN": "sln", "FORMAT_G723": "g723",
        "FORMAT_G729": "g729", "FORMAT_GSM": "gsm", "FORMAT_ALAW": "alaw", "FORMAT_ULAW": "ulaw", "FORMAT_VOX": "vox",
        "FORMAT_WAV": "wav", "ORIGINATE_RESULT_BAD_NUMBER": 0, "ORIGINATE_RESULT_REJECT": 1,
        "ORIGINATE_RESULT_RING_LOCAL": 2, "ORIGINATE_RESULT_RING_REMOTE": 3, "ORIGINATE_RESULT_ANSWERED": 4,
        "ORIGINATE_RESULT_BUSY": 5, "ORIGINATE_RESULT_CONGESTION": 8, "ORIGINATE_RESULT_INCOMPLETE": 30,
        "ORIGINATE_RESULT_MAP": {
            0: "BAD_NUMBER", 1: "REJECTED", 2: "RINGING", 3: "RINGING", 4: "ANSWERED", 5: "BUSY", 8: "CONGESTION",
            30: "INCOMPLETE",
        },
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NAMES.items() for name in names.split()]
)
def test_a_module_has_its_documented_names(module, name):
    assert hasattr(import_module(module), name)


@pytest.mark.parametrize("name", [name for name in NAMES["ami"].split() if name.islower()])
def test_the_modules_are_attributes_of_the_package(name):
    module = getattr(ami, name)
    assert isinstance(module, ModuleType)
    assert module is import_module(f"ami.{name}")


@pytest.mark.parametrize(
    ("module", "name", "value"), [(module, *each) for module, named in CONSTANTS.items() for each in named.items()]
)
def test_a_constant_has_its_documented_value(module, name, value):
    constant = getattr(import_module(module), name)
    assert constant == value
    assert isinstance(constant, type(value))


def test_importing_the_package_makes_the_documented_modules_available():
    program = (
        "import ami\n"
        "ami.core.Ping, ami.core_events.Hangup, ami.dahdi.DAHDIRestart, ami.dahdi_events.DAHDIShowChannels\n"
        "ami.app_confbridge.ConfbridgeList, ami.app_confbridge_events.ConfbridgeJoin\n"
        "ami.app_meetme.MeetmeList, ami.app_meetme_events.MeetmeJoin, ami.ami._EVENT_REGISTRY['MeetmeJoin']\n"
        "from ami import Manager, core, core_events\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_class_is_the_same_wherever_it_is_named():
    assert ami.ami.Manager is ami.Manager
    assert ami.ami.Error is ami.Error
    assert ami.ami.ManagerError is ami.ManagerError
    assert ami.ami.ManagerSocketError is ami.ManagerSocketError
    assert core.ManagerAuthError is ami.ManagerAuthError


# Errors

ERRORS = [
    ("ami.Error", Exception),
    ("ami.ManagerError", ami.Error),
    ("ami.ManagerSocketError", ami.Error),
    ("ami.core.ManagerAuthError", ami.ManagerError),
]


@pytest.mark.parametrize(("name", "base"), ERRORS)
def test_an_error_has_its_documented_base(name, base):
    module, _, own = name.rpartition(".")
    kind = getattr(import_module(module), own)
    assert base in kind.__bases__
    assert str(kind("what went wrong")) == "what went wrong"


def test_a_lost_link_is_no_error_of_the_manager():
    assert not issubclass(ami.ManagerSocketError, ami.ManagerError)


# The registry of events


def test_the_registries_of_events_are_each_others_inverse():
    registry, reverse = ami.ami._EVENT_REGISTRY, ami.ami._EVENT_REGISTRY_REV
    assert len(registry) == len(reverse) >= 60
    assert all(reverse[kind] == name for name, kind in registry.items())
    assert set(reverse) == set(registry.values())
    assert reverse.get(ami.Event) is None
    assert ami.Event not in reverse
    with pytest.raises(KeyError):
        reverse[int]


# The manager

SIGNATURES: dict[str, dict[str, Any]] = {
    "__init__": {"debug": False, "logger": None, "aggregate_timeout": 5, "orphaned_response_timeout": 5},
    "connect": {"host": ..., "port": 5038, "timeout": 5},
    "disconnect": {},
    "close": {},
    "is_connected": {},
    "get_asterisk_info": {},
    "get_connection": {},
    "monitor_connection": {"interval": 2.5},
    "register_callback": {"event": ..., "function": ...},
    "unregister_callback": {"event": ..., "function": ...},
    "send_action": {"request": ..., "action_id": None, "**kwargs": ...},
}


@pytest.mark.parametrize(("method", "arguments"), SIGNATURES.items())
def test_a_method_of_the_manager_takes_the_documented_arguments(method, arguments):
    parameters = list(inspect.signature(getattr(ami.Manager, method)).parameters.values())[1:]
    own = [each for each in parameters if each.kind != each.KEYWORD_ONLY and each.name != "options"]
    for each in own:
        assert each.kind in (each.POSITIONAL_OR_KEYWORD, each.VAR_KEYWORD)
    names = [f"**{each.name}" if each.kind == each.VAR_KEYWORD else each.name for each in own]
    defaults = [... if each.default is each.empty else each.default for each in own]
    assert dict(zip(names, defaults, strict=True)) == arguments
    assert names == list(arguments)
    assert all(each.default is not each.empty for each in parameters if each.kind == each.KEYWORD_ONLY)


def test_a_manager_is_made_with_the_documented_arguments():
    for arguments, keywords in [((), {}), ((False, None, 5, 5), {}), ((), {"debug": True, "aggregate_timeout": 1.5})]:
        manager = ami.Manager(*arguments, **keywords)
        assert manager.is_connected() is False
        assert manager.get_connection() is None
        assert manager.get_asterisk_info() is None
        assert manager.disconnect() is None
        assert manager.close() is None


@pytest.mark.parametrize("wrong", [7, b"Hangup", int, object(), ("Hangup",), ami.Event, ami.Message])
def test_a_callback_is_for_a_name_a_class_everything_or_orphans(wrong):
    manager = ami.Manager()
    with pytest.raises(ValueError, match="is not an event"):
        manager.register_callback(wrong, print)
    with pytest.raises(ValueError, match="is not an event"):
        manager.unregister_callback(wrong, print)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Hangup", core_events.Hangup),
        ("Status_Aggregate", core_events.Status_Aggregate),
        ("", ""),
        (None, None),
        ("X", "X"),
    ],
)
def test_a_name_and_its_class_are_one_registration(first, second):
    manager = ami.Manager()
    manager.register_callback(first, print)
    manager.register_callback(second, print)
    assert manager.unregister_callback(second, print) is True
    assert manager.unregister_callback(first, print) is False


def test_without_a_link_nothing_is_sent():
    with pytest.raises(ami.ManagerError) as caught:
        ami.Manager().send_action(core.Ping())
    assert not isinstance(caught.value, ami.ManagerSocketError)


# Requests


def test_a_request_has_the_documented_attributes():
    request = ami.ami._Request("Ping")
    assert isinstance(request, dict)
    assert dict(request) == {"Action": "Ping"}
    assert (request.aggregate, request.synchronous, request.timeout) == (False, False, 5)
    request.aggregate, request.synchronous, request.timeout = True, True, 0.5
    other = ami.ami._Request("Ping")
    assert (other.aggregate, other.synchronous, other.timeout) == (False, False, 5)
    assert request.get_aggregate_classes() == ()
    assert request.get_synchronous_classes() == ((), (), ())
    answer = ami.ami._Message(["Response: Follows\r\n", "\r\n"])
    assert request.process_response(answer) is answer
    assert answer.success is True


def test_a_request_is_built_as_documented():
    request = ami.ami._Request("X")
    request["B"] = "2"
    request["A"] = ("1", 2)
    built = request.build_request(None, lambda: "made", Extra=frozenset({"e"}), More=[3.5])
    assert built == ("Action: X\r\nB: 2\r\nA: 1\r\nA: 2\r\nExtra: e\r\nMore: 3.5\r\nActionID: made\r\n\r\n", "made")
    assert request.build_request("given", lambda: "made")[1] == "given"
    assert request.build_request(7, lambda: "made")[1] == "7"
    request["ActionID"] = "item"
    assert request.build_request(None, lambda: "made")[1] == "item"
    assert request.build_request("given", lambda: "made")[1] == "given"
    assert dict(request) == {"Action": "X", "B": "2", "A": ("1", 2), "ActionID": "item"}


def test_a_request_with_a_line_end_says_what_is_wrong():
    request = ami.ami._Request("X")
    request["A"] = "b\r\nAction: Logoff"
    with pytest.raises(ValueError, match="AMI header keys/values must not contain CR or LF"):
        request.build_request(None, lambda: "made")


def test_every_documented_action_is_a_request():
    assert issubclass(core.Ping, ami.ami._Request)
    assert issubclass(core.Originate_Application, core._Originate)
    assert issubclass(core.Originate_Context, core._Originate)
    assert issubclass(core._Originate, ami.ami._Request)


# Messages, events, aggregates, responses


def test_a_message_is_built_from_its_lines():
    lines = ["Response: Success\r\n", "ActionID: 1\r\n", "Key:  value\r\n", "key: other\r\n", "payload\r\n", "\r\n"]
    message = ami.ami._Message(list(lines))
    assert isinstance(message, dict)
    assert message.headers is message
    assert message.raw == lines
    assert message.data == ["payload"]
    assert (message.name, message.action_id) == ("Success", "1")
    assert message["Key"].strip() == "value"
    assert message["key"] == "other"
    assert message == "Success"
    assert message != "Error"
    assert message == {"Response": "Success", "ActionID": "1", "Key": message["Key"], "key": "other"}


@pytest.mark.parametrize(
    ("lines", "name", "action_id"),
    [
        (["Event: Hangup", "ActionID: 1"], "Hangup", "1"),
        (["Response: Error"], "Error", None),
        (["Event: OriginateResponse", "Response: Failure"], "OriginateResponse", None),
        (["ActionID: 1", "A: b"], "Generic Response", "1"),
        (["A: b"], "Generic Event", None),
    ],
)
def test_a_message_has_the_documented_name_and_action_id(lines, name, action_id):
    message = ami.ami._Message([f"{line}\r\n" for line in (*lines, "")])
    assert (message.name, message.action_id) == (name, action_id)
    key = "Response" if name in ("Generic Response", "Error") else "Event"
    assert message[key] == name


def test_an_event_keeps_its_text_and_processes_a_copy():
    event = core_events.Hangup(["Event: Hangup\r\n", "Cause: 16\r\n", "\r\n"])
    headers, data = event.process()
    assert headers == {"Event": "Hangup", "Cause": 16}
    assert data == []
    assert event["Cause"] == "16"
    assert isinstance(event, ami.ami._Event)
    assert isinstance(event, ami.ami._Message)
    assert headers is not event


@pytest.mark.parametrize(
    "each",
    [ami.ami._Message(["Event: X\r\n", "\r\n"]), core_events.Hangup(["Event: Hangup\r\n", "\r\n"]),
     core_events.Status_Aggregate("1")],
)  # fmt: skip
def test_messages_and_aggregates_have_one_base(each):
    assert isinstance(each, ami.ami._MessageTemplate)
    assert isinstance(each.name, str)
    assert each == each.name
    assert each != f"{each.name}?"
    assert hasattr(each, "action_id")


def test_the_base_of_aggregates_has_the_documented_attributes():
    base = ami.ami._Aggregate
    assert issubclass(core_events.Status_Aggregate, base)
    assert (base._aggregation_members, base._aggregation_finalisers) == ((), ())
    assert isinstance(base._name, str)
    assert len(inspect.signature(base._check_list_items_count).parameters) == 3
    _, event, *further = inspect.signature(base.evaluate_event).parameters.values()
    assert event.name == "event"
    assert all(each.default is not each.empty for each in further)


def test_an_aggregate_counts_when_it_is_told_to():
    class Own_Aggregate(ami.ami._Aggregate):
        _aggregation_members = (core_events.Hangup,)
        _aggregation_finalisers = (core_events.CoreShowChannelsComplete,)

        def evaluate_event(self, event: Any) -> bool | None:
            ended = super().evaluate_event(event)
            if ended:
                self._check_list_items_count(event, "ListItems")
            return ended

    own = Own_Aggregate("1")
    last = core_events.CoreShowChannelsComplete([
        "Event: CoreShowChannelsComplete\r\n", "ActionID: 1\r\n", "ListItems: 2\r\n", "\r\n",
    ])  # fmt: skip
    assert own.evaluate_event(last) is True
    assert (own.valid, own.error_message) == (False, "Expected 2 list-items; received 0")


def test_a_response_is_a_named_tuple():
    kind = ami.ami._Response
    assert kind.__name__ == "Response"
    assert issubclass(kind, tuple)
    documented = ("result", "response", "request", "action_id", "success", "time", "events", "events_timeout")
    assert kind._fields[: len(documented)] == documented
    assert set(kind._fields[len(documented) :]) <= set(kind._field_defaults)


# Conversions by hand


def test_the_link_and_its_reader_have_names():
    assert callable(ami.ami._SynchronisedSocket)
    assert callable(ami.ami._MessageReader)
