"""Advice of charge (AOC): what the network says a call costs.

Asterisk writes these events from nested data, with the levels in the names of the headers: `Charge/Currency/Cost`,
`Charge/Units(0)/NumberOf`. The attributes nest in the same way: `event.charge.currency.cost`.
"""

from collections.abc import Iterator, Sequence

from ami.headers import Int, Numbered, Text, View
from ami.request import Action
from ami.snapshots import ChannelEvent

__all__ = ["AOC_D", "AOC_E", "AOC_S", "AOCMessage", "Association", "Charge", "Currency", "Rate", "Time"]

# Parts of the events


class Currency(View):
    """An amount of money: `cost` times `multiplier`, `1/1000` to `1000`, of the currency named."""

    currency_name = Text("Name")
    cost = Int()
    multiplier = Text()


class Charge(View):
    """A charge: `type` is `NotAvailable`, `Free`, `Currency` or `Units`; the units are counted by their types."""

    type = Text()
    billing_id = Text("BillingID")
    total_type = Text()
    currency = Currency.at("Currency/")
    units_number_of = Numbered(Int(), "Units(#)/NumberOf")
    units_type_of = Numbered(Int(), "Units(#)/TypeOf")


class Association(View):
    """What a charge is for, where it is not for the call itself: a number, with its plan, or an identifier."""

    number = Text()
    plan = Int()
    id = Int("ID")


class Time(View):
    """A length of time, in units of `scale`."""

    length = Int()
    scale = Text()


class Rate(View):
    """What one kind of service, `chargeable`, costs: by time, in all, by volume, or as the network's code says."""

    chargeable = Text()
    duration_currency = Currency.at("Duration/Currency/")
    duration_charging_type = Text("Duration/ChargingType")
    duration_time = Time.at("Duration/Time/")
    duration_granularity = Time.at("Duration/Granularity/")
    flat_currency = Currency.at("Flat/Currency/")
    volume_currency = Currency.at("Volume/Currency/")
    volume_unit = Text("Volume/Unit")
    special_code = Int("SpecialCode/SpecialCode")


# Events


class AOC_S(ChannelEvent, name="AOC-S"):
    """What a call will cost, told at its beginning."""

    @property
    def rates(self) -> Iterator[Rate]:
        """The rate of each kind of service."""
        # Asterisk numbers them under a name that it leaves unset, and its C library prints that so.
        number = 0
        while rate := Rate(self, f"(null)({number})/"):
            yield rate
            number += 1


class AOC_D(ChannelEvent, name="AOC-D"):
    """What a call has cost so far."""

    charge = Charge.at("Charge/")


class AOC_E(ChannelEvent, name="AOC-E"):
    """What a call has cost, told at its end."""

    charging_association = Association.at("ChargingAssociation/")
    charge = Charge.at("Charge/")


# Actions


class AOCMessage(Action):
    """Send advice of charge to a channel, or to the first one whose name begins with `channel_prefix`.

    `msg_type` is `D` or `E`; with Asterisk 22 also `S`, which the parameters from `charged_item` on are for. `units`
    are amounts of units, each with a type from 1 to 16, or None.
    """

    def __init__(
        self,
        msg_type: str,
        channel: str | None = None,
        channel_prefix: str | None = None,
        charge_type: str | None = None,
        units: Sequence[tuple[int, int | None]] = (),
        currency_name: str | None = None,
        currency_amount: int | None = None,
        currency_multiplier: str | None = None,
        total_type: str | None = None,
        billing_id: str | None = None,
        association_id: int | None = None,
        association_number: str | None = None,
        association_plan: int | None = None,
        charged_item: str | None = None,
        rate_type: str | None = None,
        time: int | None = None,
        time_scale: str | None = None,
        granularity: int | None = None,
        granularity_time_scale: str | None = None,
        charging_type: str | None = None,
        volume_unit: str | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__()
        headers: dict[str, object] = {"Channel": channel, "ChannelPrefix": channel_prefix, "MsgType": msg_type}
        headers["ChargeType"] = charge_type
        for number, (amount, kind) in enumerate(units):
            headers[f"UnitAmount({number})"] = amount
            headers[f"UnitType({number})"] = kind
        headers |= {
            "CurrencyName": currency_name,
            "CurrencyAmount": currency_amount,
            "CurrencyMultiplier": currency_multiplier,
            "TotalType": total_type,
            "AOCBillingId": billing_id,
            "ChargingAssociationId": association_id,
            "ChargingAssociationNumber": association_number,
            "ChargingAssociationPlan": association_plan,
            "ChargedItem": charged_item,
            "RateType": rate_type,
            "Time": time,
            "TimeScale": time_scale,
            "Granularity": granularity,
            "GranularityTimeScale": granularity_time_scale,
            "ChargingType": charging_type,
            "VolumeUnit": volume_unit,
            "Code": code,
        }
        self.update({name: value for name, value in headers.items() if value is not None})
