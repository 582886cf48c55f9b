"""RTCP reports: the quality of a call's media, as seen from this end and from the other."""

from ami.headers import Float, Header, Int, Numbered, Text, Timestamp
from ami.snapshots import ChannelEvent

__all__ = ["RTCPReceived", "RTCPSent"]


class _Address(Header[tuple[str, int]]):
    """`address:port`; an address of IPv6 is in brackets, which are taken off."""

    def convert(self, text: str) -> tuple[str, int] | None:
        """Address and port, or None."""
        address, _, port = text.rpartition(":")
        number = Int().convert(port)
        return None if number is None or not address else (address.removeprefix("[").removesuffix("]"), number)


class _Seconds(Float):
    """A number that its unit may follow: `0.25(sec)`."""

    def convert(self, text: str) -> float | None:
        """The number, or None."""
        return super().convert(text.strip().partition(" ")[0].partition("(")[0])


class _Report(ChannelEvent, abstract=True):
    """What both kinds of report hold: what their sender has sent, and a block for each source it has heard.

    The lists have one value for each block. Jitter is in units of the media's clock, delays (`dlsr`) are in seconds.
    """

    ssrc = Text("SSRC")
    packet_type = Text("PT")
    report_count = Int()
    sent_at = Timestamp("SentNTP")
    report_source_ssrc = Numbered(Text(), "Report#SourceSSRC")
    report_fraction_lost = Numbered(Int(), "Report#FractionLost")
    report_cumulative_lost = Numbered(Int(), "Report#CumulativeLost")
    report_highest_sequence = Numbered(Int(), "Report#HighestSequence")
    report_sequence_number_cycles = Numbered(Int(), "Report#SequenceNumberCycles")
    report_ia_jitter = Numbered(Int(), "Report#IAJitter")
    report_lsr = Numbered(Int(), "Report#LSR")
    report_dlsr = Numbered(_Seconds(), "Report#DLSR")


class RTCPReceived(_Report):
    """A report came from the other end; `rtt` is the round trip in seconds.

    The headers after `sent_octets` are those of Asterisk before 12, which had room for one block.
    """

    from_ = _Address(process=None)
    rtt = _Seconds("RTT")
    sent_ntp = Float("SentNTP")
    sent_rtp = Int("SentRTP")
    sent_packets = Int()
    sent_octets = Int()
    dlsr = _Seconds("DLSR", process=-1)
    fraction_lost = Float(process=-1)
    highest_sequence = Int(process=-1)
    ia_jitter = Float("IAJitter", process=-1)
    last_sr = Int("LastSR", process=-1)
    packets_lost = Int(process=-1)
    reception_reports = Int(process=-1)
    sequence_number_cycles = Int(process=-1)


class RTCPSent(_Report):
    """A report was sent to the other end.

    The headers after `sent_octets` are those of Asterisk before 12, which had room for one block.
    """

    to = _Address(process=None)
    sent_ntp = Float("SentNTP", process=-1)
    sent_rtp = Int("SentRTP", process=-1)
    sent_packets = Int(process=-1)
    sent_octets = Int(process=-1)
    cumulative_loss = Int(process=-1)
    dlsr = _Seconds("DLSR", process=-1)
    fraction_lost = Float(process=-1)
    ia_jitter = Float("IAJitter", process=-1)
    their_last_sr = Int("TheirLastSR", process=-1)
