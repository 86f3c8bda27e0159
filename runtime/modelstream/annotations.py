"""Arguments held against their annotations: one of a wrong type is refused where it is given."""

import inspect
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from functools import lru_cache, wraps
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin

from modelstream.errors import OptionError
from modelstream.messages import excerpt

P = ParamSpec("P")
R = TypeVar("R")

_TEXTS = (str, bytes, bytearray)
_WORDS: dict[Any, str] = {
    bool: "True or False",
    bytes: "bytes",
    float: "a number",
    int: "an integer",
    str: "a text",
    type(None): "None",
    Callable: "a function",
    Iterable: "a list",
    Mapping: "a dictionary",
    Sequence: "a list",
    frozenset: "a set",
    tuple: "a list",
}


def check_fields(given: object) -> None:
    """Check that the fields of a dataclass are of the types that it states.

    Raises:
        OptionError: one is not; names it and what it takes.
    """
    taker: Any = type(given)
    for name, kind in _fields(taker):
        _refuse(taker.__name__, name, getattr(given, name), kind)


def checked(*others: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function that refuses arguments which are not of the types that it states.

    A type in quotes, which only type checkers import, such as a class of Flink, is left to the
    function.

    Args:
        others: arguments that the function checks itself, with a better message.

    Raises:
        OptionError: an argument is not of its type; names it and what it takes.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        kinds = [each for each in _kinds(signature) if each[0] not in others]
        named = function.__qualname__.removesuffix(".__init__")

        @wraps(function)
        def checking(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs).arguments
            for name, kind in kinds:
                if name in bound:
                    _refuse(named, name, bound[name], kind)
            return function(*args, **kwargs)

        return checking

    return decorated


@dataclass(frozen=True)
class _Misfit:
    """What is not of its type.

    Attributes:
        where: which part of the argument: ``inputs['x']``.
        wanted: the type.
        given: what is there.
    """

    where: str
    wanted: Any
    given: object


def _refuse(taker: str, name: str, given: object, kind: Any) -> None:
    found = _misfit(name, given, kind)
    if found is not None:
        raise OptionError(
            f"{taker} takes as {found.where} {_words(found.wanted)}, not {excerpt(found.given)} "
            f"({type(found.given).__name__})"
        )


@lru_cache(maxsize=256)
def _fields(taker: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((each.name, each.type) for each in fields(taker))


def _kinds(signature: inspect.Signature) -> Iterator[tuple[str, Any]]:
    one = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for each in signature.parameters.values():
        if each.kind in one and each.annotation is not each.empty:
            yield each.name, each.annotation


def _misfit(where: str, given: object, kind: Any) -> _Misfit | None:
    if get_origin(kind) in (Union, types.UnionType):
        return _none_of(where, given, kind)
    if not _is_a(given, get_origin(kind) or kind):
        return _Misfit(where, kind, given)
    found = (_misfit(*part) for part in _parts(where, given, kind))
    return next(filter(None, found), None)


def _none_of(where: str, given: object, kind: Any) -> _Misfit | None:
    """Of the types that would do, the one that fits as a whole tells which part of it does not."""
    found = [_misfit(where, given, each) for each in get_args(kind)]
    if None in found:
        return None
    inside = [each for each in found if each is not None and each.where != where]
    return inside[0] if inside else _Misfit(where, kind, given)


def _parts(where: str, given: Any, kind: Any) -> Iterator[tuple[str, object, Any]]:
    origin, inner = get_origin(kind), [each for each in get_args(kind) if each is not Ellipsis]
    if origin is Mapping:
        for key, value in given.items():
            yield f"a key of {where}", key, inner[0]
            yield f"{where}[{excerpt(key)}]", value, inner[1]
    elif origin is tuple and ... not in get_args(kind):
        yield from ((f"{where}[{at}]", *pair) for at, pair in enumerate(zip(given, inner)))  # noqa: B905  # how many there are is the owner's to check
    elif origin in (Iterable, Sequence, tuple, frozenset) and isinstance(given, Collection):
        yield from ((f"{where}[{at}]", each, inner[0]) for at, each in enumerate(given))


def _is_a(given: object, kind: Any) -> bool:
    """Whether a value is of a type, of which an element may not be."""
    if kind is bool:
        return isinstance(given, bool) or _is_flag(given)
    if kind in (int, float):
        number = Integral if kind is int else Real
        return isinstance(given, number) and not isinstance(given, bool)
    if kind is Callable:
        return callable(given)
    if kind in (Sequence, tuple, frozenset):
        return isinstance(given, Collection) and not isinstance(given, (*_TEXTS, Mapping))
    if not isinstance(kind, type):  # None, or what nothing is known of, such as a name in quotes
        return kind is not None or given is None
    if not getattr(kind, "_is_protocol", False):
        return isinstance(given, kind)
    checkable = getattr(kind, "_is_runtime_protocol", False)
    return not checkable or (isinstance(given, kind) and not isinstance(given, type))


def _is_flag(given: object) -> bool:
    return getattr(getattr(given, "dtype", None), "kind", "") == "b" and not getattr(
        given, "shape", ()
    )


def _words(kind: Any) -> str:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_words, get_args(kind))))
    if (known := _WORDS.get(origin or kind)) is not None:
        return known
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"{kind.__name__}.{each.name}" for each in kind)
    return f"a {getattr(kind, '__name__', kind)}"
