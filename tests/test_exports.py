"""The public names of the packages."""

import importlib
import pkgutil
from unittest import mock

import pytest

import ami
import amisim

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (ami, amisim)
    for module in pkgutil.iter_modules(package.__path__)
    if module.name not in ("__main__",)
]


def test_every_public_name_exists_and_is_named_once():
    for module in ("ami", "amisim", *MODULES):
        namespace = importlib.import_module(module)
        names = getattr(namespace, "__all__", [])
        assert len(names) == len(set(names)), module
        assert [name for name in names if not hasattr(namespace, name)] == [], module


def test_an_attribute_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'ami' has no attribute 'nonsense'"):
        ami.nonsense  # noqa: B018


def test_a_family_is_loaded_when_it_is_named():
    assert ami.core_events.Hangup is importlib.import_module("ami.core_events").Hangup


def test_the_versions_agree():
    from importlib.metadata import version

    assert version("amikit") == ami.__version__


def test_a_name_that_was_replaced_for_a_while_is_itself_again():
    with mock.patch("ami.manager.connect") as replaced:
        assert ami.connect is replaced
    assert ami.connect is importlib.import_module("ami.manager").connect


def test_a_star_import_has_every_public_name():
    namespace: dict[str, object] = {}
    exec("from ami import *", namespace)
    assert set(ami.__all__) <= set(namespace)
    assert set(ami.__all__) <= set(dir(ami))
