"""A parser under fuzz: what it reads when all is well, and by what it may refuse."""

from collections.abc import Callable
from dataclasses import dataclass

from keys.errors import KeysError


@dataclass(frozen=True)
class Parser:
    """One way in for bytes or text from outside.

    Attributes:
        name: `module:qualified.name` of the function that reads; the house test looks for it.
        samples: what it reads, damaged afterwards.
        read: calls it with one damaged input.
        refusals: the exceptions that its docstring names; any other is a finding.
    """

    name: str
    samples: tuple[bytes, ...]
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = (KeysError,)


def as_text(data: bytes) -> str:
    """Bytes that are no UTF-8 become lone surrogates, which a text may hold."""
    return data.decode("utf-8", "surrogateescape")


def of(
    name: str,
    read: Callable[[bytes], object],
    *samples: bytes,
    refusals: tuple[type[Exception], ...] = (KeysError,),
) -> Parser:
    """A parser of bytes."""
    return Parser(name, samples, read, refusals)


def of_text(
    name: str,
    read: Callable[[str], object],
    *samples: str,
    refusals: tuple[type[Exception], ...] = (KeysError,),
) -> Parser:
    """A parser of text."""
    written = tuple(sample.encode() for sample in samples)
    return Parser(name, written, lambda data: read(as_text(data)), refusals)
