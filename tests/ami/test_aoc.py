"""Advice of charge: what nests in the names of headers nests in attributes."""

import pytest

from ami import aoc
from ami.catalogue import parse

CALL = "Privilege: aoc,all\r\nChannel: DAHDI/1-1\r\nUniqueid: 1.1\r\n"


def event(name: str, *headers: str):
    return parse((f"Event: {name}\r\n{CALL}" + "".join(f"{header}\r\n" for header in headers) + "\r\n").encode())


def test_a_charge_in_a_currency():
    charge = event(
        "AOC-D", "Charge/Type: Currency", "Charge/BillingID: Normal", "Charge/TotalType: SubTotal",
        "Charge/Currency/Name: EUR", "Charge/Currency/Cost: 12", "Charge/Currency/Multiplier: 1/100",
    )  # fmt: skip
    assert isinstance(charge, aoc.AOC_D)
    assert charge.channel == "DAHDI/1-1"
    assert (charge.charge.type, charge.charge.billing_id, charge.charge.total_type) == (
        "Currency", "Normal", "SubTotal",
    )  # fmt: skip
    money = charge.charge.currency
    assert (money.currency_name, money.cost, money.multiplier) == ("EUR", 12, "1/100")
    assert charge.charge.units_number_of == []


def test_a_charge_in_units_and_what_it_is_for():
    charge = event(
        "AOC-E", "ChargingAssociation/Number: 4711", "ChargingAssociation/Plan: 1", "Charge/Type: Units",
        "Charge/Units(0)/NumberOf: 5", "Charge/Units(0)/TypeOf: 1", "Charge/Units(1)/NumberOf: 6",
    )  # fmt: skip
    assert isinstance(charge, aoc.AOC_E)
    assert (charge.charging_association.number, charge.charging_association.plan) == ("4711", 1)
    assert charge.charge.units_number_of == [5, 6]
    assert charge.charge.units_type_of == [1]
    assert not charge.charge.currency


def test_a_charge_for_nothing_in_particular():
    charge = event("AOC-E", "ChargingAssociation: ", "Charge/Type: Free")
    assert isinstance(charge, aoc.AOC_E)
    assert not charge.charging_association
    assert charge.charge.type == "Free"


def test_rates():
    rates = event(
        "AOC-S",
        "(null)(0)/Chargeable: CallAttempt", "(null)(0)/Flat/Currency/Name: EUR", "(null)(0)/Flat/Currency/Cost: 10",
        "(null)(1)/Chargeable: BasicCommunication", "(null)(1)/Duration/Currency/Cost: 2",
        "(null)(1)/Duration/Time/Length: 60", "(null)(1)/Duration/ChargingType: StepFunction",
        "(null)(2)/Chargeable: SupplementaryService", "(null)(2)/SpecialCode/SpecialCode: 7",
    )  # fmt: skip
    assert isinstance(rates, aoc.AOC_S)
    attempt, call, service = rates.rates
    assert (attempt.chargeable, attempt.flat_currency.currency_name, attempt.flat_currency.cost) == (
        "CallAttempt", "EUR", 10,
    )  # fmt: skip
    assert (call.duration_currency.cost, call.duration_time.length, call.duration_charging_type) == (
        2, 60, "StepFunction",
    )  # fmt: skip
    assert not call.duration_granularity
    assert service.special_code == 7


def test_no_rates():
    assert list(event("AOC-S").rates) == []


@pytest.mark.parametrize(
    ("units", "headers"),
    [
        ([], {}),
        ([(5, None)], {"UnitAmount(0)": 5}),
        ([(5, 2), (6, None)], {"UnitAmount(0)": 5, "UnitType(0)": 2, "UnitAmount(1)": 6}),
    ],
)
def test_units_are_numbered(units, headers):
    action = aoc.AOCMessage("D", "DAHDI/1-1", charge_type="Unit", units=units)
    assert action == {
        "Action": "AOCMessage", "Channel": "DAHDI/1-1", "MsgType": "D", "ChargeType": "Unit", **headers,
    }  # fmt: skip
