"""Conversions of headers in place, for programs that make their own of what `process()` gives.

Declared events need none of this: their attributes are typed. A header that is missing is added with the value that
stands for a failure.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

__all__ = ["add_result", "bytes_to_string", "string_to_bytes", "to_bool", "to_float", "to_int"]


def _same(value: Any) -> Any:
    return value


def to_bool(
    dictionary: MutableMapping[str, Any],
    keys: Iterable[str],
    truth_value: Any = None,
    truth_function: Callable[[Any], Any] = bool,
    preprocess: Callable[[Any], Any] = _same,
) -> None:
    """Replace each value by whether it equals `truth_value` or, where that is None, by what `truth_function` says.

    `preprocess` is called first. A key that is missing, or whose value cannot be preprocessed, becomes False.
    """

    def convert(value: Any) -> bool:
        value = preprocess(value)
        return bool(truth_function(value) if truth_value is None else value == truth_value)

    _convert(dictionary, keys, False, convert)


def to_int(
    dictionary: MutableMapping[str, Any],
    keys: Iterable[str],
    failure_value: Any,
    preprocess: Callable[[Any], Any] = _same,
) -> None:
    """Replace each value by a whole number, or by `failure_value` where it is none, or missing."""
    _convert(dictionary, keys, failure_value, lambda value: int(preprocess(value)))


def to_float(
    dictionary: MutableMapping[str, Any],
    keys: Iterable[str],
    failure_value: Any,
    preprocess: Callable[[Any], Any] = _same,
) -> None:
    """Replace each value by a number, or by `failure_value` where it is none, or missing."""
    _convert(dictionary, keys, failure_value, lambda value: float(preprocess(value)))


def _convert(
    dictionary: MutableMapping[str, Any], keys: Iterable[str], failure_value: Any, convert: Callable[[Any], Any]
) -> None:
    for key in keys:
        value = dictionary.get(key)
        if value is None:
            dictionary[key] = failure_value
            continue
        try:
            dictionary[key] = convert(value)
        except Exception:  # of a function of the caller's, too: whatever it is, the value cannot be converted
            dictionary[key] = failure_value


def add_result(dictionary: MutableMapping[str, Any], key: str, result_map: Mapping[Any, Any]) -> None:
    """Add, as `Result`, what the value under `key` stands for; nothing where the map does not know it."""
    value = dictionary.get(key)
    if value in result_map:
        dictionary["Result"] = result_map[value]


def string_to_bytes(value: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
    """Text as bytes; anything else as it is."""
    return value.encode(encoding, errors) if isinstance(value, str) else value


def bytes_to_string(value: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
    """Bytes as text; anything else as it is."""
    return value.decode(encoding, errors) if isinstance(value, (bytes, bytearray)) else value
