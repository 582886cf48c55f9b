"""Voicemail, and the lamps that say that a message waits."""

from ami.catalogue import Aggregate, Event
from ami.headers import Bool, Float, Int, Text
from ami.message import Message
from ami.request import Action, param
from ami.snapshots import ChannelEvent

__all__ = [
    "MWIDelete", "MWIGet", "MWIGetComplete", "MWIGetEvent", "MWIUpdate", "MailboxCount", "MailboxStatus",
    "MessageWaiting", "MiniVoiceMail", "VoicemailBoxDetail", "VoicemailBoxDetailComplete", "VoicemailBoxSummary",
    "VoicemailForward", "VoicemailMove", "VoicemailPasswordChange", "VoicemailRefresh", "VoicemailRemove",
    "VoicemailUserDetail", "VoicemailUserDetailComplete", "VoicemailUserEntry", "VoicemailUserEntryComplete",
    "VoicemailUserStatus", "VoicemailUsersList", "VoicemailUsersList_Aggregate",
]  # fmt: skip

# What happens


class MessageWaiting(ChannelEvent):
    """The number of messages in a mailbox changed; Asterisk names a channel only where one was the cause."""

    mailbox = Text()
    waiting = Bool("1")
    new = Int()
    old = Int()


class MiniVoiceMail(ChannelEvent):
    """The applications of MiniVM left a message, or told somebody of one."""

    action = Text()
    mailbox = Text()
    counter = Text()


class VoicemailPasswordChange(Event):
    """The owner of a mailbox chose another password; Asterisk 22 has it, 16 has not."""

    context = Text()
    mailbox = Text()
    new_password = Text()


# Mailboxes and their messages


class _Mailbox(Event, abstract=True):
    """What is known of a mailbox, but for what `VoicemailUserEntry` converts."""

    vm_context = Text("VMContext")
    voice_mailbox = Text()
    fullname = Text()
    email = Text()
    pager = Text()
    server_email = Text()
    from_string = Text()
    mail_command = Text()
    language = Text()
    time_zone = Text()
    callback = Text()
    dialout = Text()
    unique_id = Text("UniqueID")
    exit_context = Text()
    attachment_format = Text()
    can_mark_urgent = Bool("Yes")
    imap_user = Text("IMAPUser")
    imap_server = Text("IMAPServer")
    imap_port = Int("IMAPPort")
    imap_flags = Text("IMAPFlags")


class VoicemailUserEntry(_Mailbox):
    """An item of the answer to `VoicemailUsersList`: a mailbox."""

    attach_message = Bool("Yes", process=False)
    call_operator = Bool("Yes", process=False)
    can_review = Bool("Yes", process=False)
    delete_message = Bool("Yes", process=False)
    max_message_count = Int(process=-1)
    max_message_length = Int(process=-1)
    new_message_count = Int(process=-1)
    old_message_count = Int(process=-1, optional=True)
    say_cid = Bool("Yes", "SayCID", process=False)
    say_duration_minimum = Int(process=-1)
    say_envelope = Bool("Yes", process=False)
    volume_gain = Float(process=None)


class VoicemailUserEntryComplete(Event):
    """The end of the answer to `VoicemailUsersList`."""

    list_items = Int()


class VoicemailUsersList_Aggregate(Aggregate):
    """The answer to `VoicemailUsersList`."""

    _aggregation_members = (VoicemailUserEntry,)
    _aggregation_finalisers = (VoicemailUserEntryComplete,)


class VoicemailUsersList(Action):
    """List the mailboxes; without any, Asterisk answers without a list."""

    _aggregates = (VoicemailUsersList_Aggregate,)


class VoicemailUserDetail(_Mailbox):
    """The answer to `VoicemailUserStatus`: a mailbox."""

    attach_message = Bool("Yes")
    call_operator = Bool("Yes")
    can_review = Bool("Yes")
    delete_message = Bool("Yes")
    max_message_count = Int()
    max_message_length = Int()
    new_message_count = Int()
    old_message_count = Int()
    say_cid = Bool("Yes", "SayCID")
    say_duration_minimum = Int()
    say_envelope = Bool("Yes")
    volume_gain = Float()


class VoicemailUserDetailComplete(Event):
    """The end of the answer to `VoicemailUserStatus`."""

    list_items = Int()


class VoicemailUserStatus(Action):
    """Ask for one mailbox."""

    context: str
    mailbox: str

    _list = (VoicemailUserDetail,)
    _finalisers = (VoicemailUserDetailComplete,)


class VoicemailBoxDetail(Event):
    """An item of the answer to `VoicemailBoxSummary`: a message; `duration` is in seconds."""

    folder = Text()
    caller_id = Text("CallerID")
    date = Text()
    duration = Int()
    flag = Text()
    message_id = Text("ID")


class VoicemailBoxDetailComplete(Event):
    """The end of the answer to `VoicemailBoxSummary`."""

    list_items = Int()


class VoicemailBoxSummary(Action):
    """List the messages in a mailbox; Asterisk 22 has it, 16 has not."""

    context: str
    mailbox: str

    _list = (VoicemailBoxDetail,)
    _finalisers = (VoicemailBoxDetailComplete,)


class _DoneToMessage(Action):
    """The base of what is done to a message: Asterisk says `Success` where it failed, too."""

    def process_response(self, response: Message) -> Message:
        """See in what it says whether it did."""
        response = super().process_response(response)
        response.success = response.success and not response.get("Message", "").endswith(" failed")
        return response


class VoicemailForward(_DoneToMessage):
    """Copy a message to another mailbox; Asterisk 22 has it, 16 has not."""

    context: str
    mailbox: str
    folder: str
    message_id: str = param("ID")
    to_context: str
    to_mailbox: str
    to_folder: str


class VoicemailMove(_DoneToMessage):
    """Put a message into another folder of its mailbox; Asterisk 22 has it, 16 has not."""

    context: str
    mailbox: str
    folder: str
    message_id: str = param("ID")
    to_folder: str


class VoicemailRemove(_DoneToMessage):
    """Delete a message; Asterisk 22 has it, 16 has not."""

    context: str
    mailbox: str
    folder: str
    message_id: str = param("ID")


class VoicemailRefresh(Action):
    """Have Asterisk look for messages that others put into its mailboxes: all, those of a context, or one."""

    context: str | None = None
    mailbox: str | None = None


# Message counts


def _numbers(response: Message, *keys: str) -> None:
    """Make numbers of headers: -1 where one is missing, or none."""
    for key in keys:
        number = Int().convert(response.get(key, ""))
        response.put(key, -1 if number is None else number)


class MailboxCount(Action):
    """Count the messages in a mailbox, `1234@default`: the result's `NewMessages` and `OldMessages` are numbers."""

    mailbox: str

    def process_response(self, response: Message) -> Message:
        """Make numbers of the counts, -1 where there is none."""
        response = super().process_response(response)
        _numbers(response, "NewMessages", "OldMessages")
        return response


class MailboxStatus(Action):
    """Ask whether messages wait in a mailbox, or several with commas between: the result's `Waiting` is a number."""

    mailbox: str

    def process_response(self, response: Message) -> Message:
        """Make a number of `Waiting`, -1 where there is none."""
        response = super().process_response(response)
        _numbers(response, "Waiting")
        return response


# Mailboxes of other systems, whose counts are told to Asterisk (res_mwi_external)


class MWIGetEvent(Event, name="MWIGet"):
    """An item of the answer to the action `MWIGet`: the counts of a mailbox."""

    mailbox = Text()
    old_messages = Int()
    new_messages = Int()


class MWIGetComplete(Event):
    """The end of the answer to the action `MWIGet`."""

    list_items = Int()


class MWIGet(Action):
    """Ask for the counts of a mailbox, or of those that match `/a regular expression/`."""

    mailbox: str

    _list = (MWIGetEvent,)
    _finalisers = (MWIGetComplete,)


class MWIUpdate(Action):
    """Tell Asterisk the counts of a mailbox; one left out is 0."""

    mailbox: str
    old_messages: int | None = None
    new_messages: int | None = None


class MWIDelete(Action):
    """Have Asterisk forget a mailbox, or those that match `/a regular expression/`."""

    mailbox: str
