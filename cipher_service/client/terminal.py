"""Where a command speaks: results on standard output, everything else on standard error.

The work never depends on the terminal. One that cannot show a sign gets the nearest plain one, and
a progress line appears only on a terminal and only after two seconds.
"""

import codecs
import json
import locale
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from cipher_service.client.failures import Unavailable
from cipher_service.client.messages import Language, phrase

_PATIENCE = 2.0
_REDRAW = 0.2
_BAR = 24
_PLAIN = "chiffre-plain"

Advance = Callable[[int], None]


class Terminal:
    """The two streams of a command and the language of its user.

    Args:
        language: of everything said.
        as_json: whether results and failures are JSON for a script.
    """

    def __init__(self, language: Language, *, as_json: bool = False) -> None:
        self.language: Language = language
        self.as_json = as_json

    def show(self, text: str) -> None:
        """Write a line of the result.

        Raises:
            BrokenPipeError: the reader went away.
            Unavailable: it cannot be delivered; what the command did is done all the same.
        """
        if sys.stdout is None:
            raise Unavailable("RESULT_UNSHOWN")
        flush_results(text + "\n")

    def show_json(self, result: Any) -> None:
        """Write the result as JSON, in ASCII so that no locale can spoil it."""
        self.show(json.dumps(result, indent=2, sort_keys=True))

    def say(self, name: str, **facts: str | int) -> None:
        """Tell the user something beside the result: a phrase by its name."""
        self.tell(phrase(name, self.language, **facts))

    def tell(self, text: str) -> None:
        """Write a line on standard error; a terminal that is gone is not a failure."""
        if sys.stderr is None:
            return
        try:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
        except OSError:
            return

    @contextmanager
    def progress(self, name: str, total: int) -> Iterator[Advance]:
        """Show how far long work is, and leave no trace of it.

        Args:
            name: of the phrase that says what is being done.
            total: bytes to go through.

        Yields:
            What to call with each number of bytes done.
        """
        stream = sys.stderr
        if stream is None or not stream.isatty():
            yield lambda _done: None
            return
        unit = phrase("mib", self.language)
        line = _ProgressLine(stream, phrase(name, self.language), total, unit)
        try:
            yield line.advance
        finally:
            line.clear()


class _ProgressLine:
    def __init__(self, stream: TextIO, label: str, total: int, unit: str) -> None:
        self._stream = stream
        self._label = label
        self._total = max(total, 1)
        self._unit = unit
        self._done = 0
        self._due = time.monotonic() + _PATIENCE
        self._drawn = False

    def advance(self, done: int) -> None:
        self._done += done
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _REDRAW
        self._drawn = True
        share = min(self._done / self._total, 1.0)
        bar = ("#" * int(share * _BAR)).ljust(_BAR, ".")
        mebibytes = f"{self._done / 2**20:.0f}/{self._total / 2**20:.0f} {self._unit}"
        self._write(f"\r{self._label} [{bar}] {share:4.0%} {mebibytes}")

    def clear(self) -> None:
        if self._drawn:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            return


def flush_results(text: str = "") -> None:
    """Write text to standard output with what waits before it, now.

    Raises:
        BrokenPipeError: the reader went away.
        Unavailable: it cannot be delivered.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unavailable("RESULT_UNSHOWN") from error


def prepare_streams() -> None:
    """Let every sign be written whatever the locale: `é` becomes `e` where it must."""
    codecs.register_error(_PLAIN, _plainly)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_PLAIN)


def plainly_encoded(text: str) -> str:
    """Return text that the locale's encoding can write, for what bypasses the streams."""
    encoding = locale.getpreferredencoding(do_setlocale=False)
    return text.encode(encoding, errors=_PLAIN).decode(encoding)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    spoilt = error.object[error.start : error.end]
    return "".join(map(_plain, spoilt)), error.end


def _plain(sign: str) -> str:
    known = {"’": "'", "«": '"', "»": '"', "–": "-", "—": "-", "œ": "oe", "Œ": "OE", "…": "..."}
    if sign in known:
        return known[sign]
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if part.isascii())
    return plain or f"<U+{ord(sign):04X}>"
