"""Records of calls: call detail records (CDR), one for each call, and channel event logging (CEL), its steps.

Asterisk sends them where `cdr_manager.conf` and `cel.conf` ask for it. Times of day are in the server's own time zone,
without saying which, and therefore text.
"""

from ami.catalogue import Event
from ami.enums import CallDisposition
from ami.headers import Int, Text, Word
from ami.request import Action

__all__ = ["CEL", "Cdr", "SetCDRUserField"]


class Cdr(Event):
    """A call ended: its record. `duration` and `billable_seconds`, from the answer on, are in seconds.

    Headers that `cdr_manager.conf` adds are items.
    """

    account_code = Text()
    source = Text()
    destination = Text()
    destination_context = Text()
    caller_id = Text("CallerID")
    channel = Text()
    destination_channel = Text()
    last_application = Text()
    last_data = Text()
    start_time = Text()
    answer_time = Text()
    end_time = Text()
    duration = Int()
    billable_seconds = Int()
    disposition = Word(CallDisposition)
    ama_flags = Text("AMAFlags")
    uniqueid = Text("UniqueID")
    user_field = Text()


class CEL(Event):
    """A step of a call: `event_name` is one of CEL's own, such as `CHAN_START`, or that of a user's.

    Where `cel.conf` has `show_user_defined`, the name of a user's is `user_def_type`, and `event_name` is
    `USER_DEFINED`.
    """

    event_name = Text()
    account_code = Text()
    caller_id_num = Text("CallerIDnum")
    caller_id_name = Text("CallerIDname")
    caller_id_ani = Text("CallerIDani")
    caller_id_rdnis = Text("CallerIDrdnis")
    caller_id_dnid = Text("CallerIDdnid")
    exten = Text()
    context = Text()
    channel = Text()
    application = Text()
    app_data = Text()
    event_time = Text()
    ama_flags = Text("AMAFlags")
    uniqueid = Text("UniqueID")
    linkedid = Text("LinkedID")
    user_field = Text("Userfield")
    user_def_type = Text()
    peer = Text()
    peer_account = Text()
    extra = Text()


class SetCDRUserField(Action):
    """Set the user field of a channel's record; only old Asterisk has it, 16 sets `CDR(userfield)`."""

    channel: str
    user_field: str
