"""Users and classes, as Asterisk reads them."""

from pathlib import Path

import pytest
import yaml

from amisim.privileges import privileges
from amisim.users import ALL, CLASSES, User, classes, mask, names, users_from

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("", None),
        ("on", ALL), ("True", ALL), ("all", ALL), ("Y", ALL),
        ("off", 0), ("No", 0), ("none", 0), ("bogus", 0), ("Call", 0), ("-1", 0), ("call ", 0),
        ("0", 0), ("1", 1), ("2", 2), ("99999999999", 1215752191), ("2147483648", None),
        ("4294967297", 1), ("9" * 30, None),
        ("call", 2), ("system,user", 65), ("call,bogus,dialplan", 2050), ("sys,call", 3), ("call,sys", 2), ("call,", 2),
        ("sy", 0), ("hook", 0), ("call,all", ALL),
    ],
)  # fmt: skip
def test_an_event_mask_is_read_as_asterisk_reads_it(text, bits):
    assert mask(text) == bits


def test_an_empty_name_in_a_mask_is_the_beginning_of_every_class():
    assert mask(",call") == ALL


@pytest.mark.parametrize(("bits", "text"), [(0, "<none>"), (3, "system,call,all"), (262144, "security,all")])
def test_classes_are_named_as_in_a_privilege(bits, text):
    assert names(bits) == text
    assert bits == classes(text.removesuffix(",all"))


def test_who_is_said_to_have_no_class_that_exists_is_refused():
    with pytest.raises(ValueError, match="user ann: 'phone' is no class; system, call, log"):
        users_from({"Ann": User("s", read="call,phone")})
    with pytest.raises(ValueError, match="'Call'"):
        users_from({"ann": User("s", write="Call")})


def test_who_begins_with_a_filter_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"user ann: '!\(x' is no filter: Filter did not compile"):
        users_from({"Ann": User("s", filters=("Event: Hangup", "!(x"))})


def test_filters_are_not_one_text():
    with pytest.raises(TypeError, match=r"user ann: filters are a tuple of texts, such as \('Event: H"):
        users_from({"Ann": User("s", filters="Event: Hangup")})


def test_a_user_is_a_secret_or_a_user():
    assert users_from({"Ann": "s", "bob": User("t", "", "all")}) == {"ann": User("s"), "bob": User("t", read="")}
    assert classes(User("s").read) == ALL & ~CLASSES["security"] & sum(
        bit for name, bit in CLASSES.items() if name not in ("all", "none")
    )


@pytest.mark.parametrize("version", ["16", "22"])
def test_privileges_are_those_of_the_catalogue(version):
    catalogue = yaml.safe_load((DATA / f"catalogue-{version}.yaml").read_text())["actions"]
    known = {name: of for name, of in catalogue.items() if of.get("privilege") is not None}
    assert privileges(version) == {name: classes(",".join(of["privilege"])) for name, of in known.items()}


def test_other_versions_have_what_was_there_then():
    assert "BridgeList" not in privileges("11")
    assert "SIPpeers" in privileges("20")
    assert "CoreShowChannelMap" not in privileges("16")
    assert "CoreShowChannelMap" in privileges("18")


def test_what_is_no_text_is_no_filter():
    with pytest.raises(TypeError, match=r"^user ann: 1 is no filter: a text is one, such as "):
        users_from({"Ann": User("s", filters=(1,))})
