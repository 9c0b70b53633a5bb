"""A second place for the custodian's store: what changes stands there before it is in force here.

    STORE/second.place        where it is, the name of ours in it, a secret that authenticates it
    STORE/second.mark         how often it was written
    PLACE/NAME/state          which files the store has, by hash; how often it was written; a MAC
    PLACE/NAME/HASH           such a file, as it lies in the store: sealed

Whoever takes the place learns as much as from the store without its credential. Its files are the
store's of this moment and no older ones, so that a key that is destroyed is gone there too. The
state is exchanged first, then the store's file: killed in between, the place is ahead by one step
that nobody was told of, and the next step goes on from the store. A place that is further ahead
belongs to a store that was put back from a copy, one that is behind was itself put back: both are
refused. What ends with a restore anyway is not told: the log's last head, the clock's mark.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from keys import canonical
from keys.custody.errors import SecondPlaceDiffers, SecondPlaceUnreachable
from keys.custody.files import alone, read_private
from keys.files import exchange, flush_folder, write_new
from keys.records import FINGERPRINT, Record

PLACE_FILE: Final = "second.place"
MARK_FILE: Final = "second.mark"
STATE_FILE: Final = "state"
LOCK_FILE: Final = "second.lock"
_TOLD: Final = ("bureau.card", "secret.splitting", "*.age")
_NAME: Final = re.compile(r"[a-z0-9-]{1,64}\.(card|age|splitting)")
_BYTES_MAX: Final = 16 * 1024 * 1024
_TYPE: Final = "depeche/v1 second-place"
_STATE_TYPE: Final = "depeche/v1 second-place-state"


@dataclass(frozen=True)
class SecondPlace:
    """Where a store's second place is.

    Attributes:
        folder: of this store, absolute; never made anew: a disk that is not there is missed.
        secret: 32 bytes, authenticate the state.
    """

    folder: Path
    secret: bytes

    @classmethod
    def parse(cls, data: bytes) -> SecondPlace:
        """Reads what `to_bytes` gives.

        Raises:
            ValueError: it is something else.
        """
        record = Record(canonical.decode(data), "second place")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        place = cls(Path(record.any_text("folder")), record.octets("secret", 32))
        record.close()
        if not place.folder.is_absolute():
            raise ValueError("the folder is not absolute")
        return place

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        members = {"folder": str(self.folder), "secret": canonical.text_from_bytes(self.secret)}
        return canonical.encode({"v": 1, "type": _TYPE, **members})


@dataclass(frozen=True)
class State:
    """What stands in a second place: how often it was written, and each file's SHA-256 by name."""

    position: int
    files: dict[str, str]

    @classmethod
    def parse(cls, data: bytes, secret: bytes) -> State:
        """Reads what `to_bytes` gives.

        Raises:
            ValueError: it is something else, or not authentic.
        """
        record = Record(canonical.decode(data), "state")
        record.constant("v", 1)
        record.constant("type", _STATE_TYPE)
        position = record.integer("position", least=1)
        files = {}
        for value in record.items("files", least=1, most=64):
            each = Record(value, "file")
            name = each.text("name", _NAME)
            files[name] = each.text("sha256", FINGERPRINT)
            each.close()
        mac = record.octets("mac", 32)
        record.close()
        state = cls(position, files)
        if not hmac.compare_digest(mac, state.mac(secret)):
            raise ValueError("the state was not written for this store")
        return state

    def mac(self, secret: bytes) -> bytes:
        """HMAC-SHA256 over all the rest."""
        return hmac.digest(secret, canonical.encode(self._members()), "sha256")

    def to_bytes(self, secret: bytes) -> bytes:
        """Canonical JSON."""
        mac = canonical.text_from_bytes(self.mac(secret))
        return canonical.encode({**self._members(), "mac": mac})

    def _members(self) -> dict[str, object]:
        listed = [{"name": name, "sha256": told} for name, told in sorted(self.files.items())]
        return {"v": 1, "type": _STATE_TYPE, "position": self.position, "files": listed}


def put(path: Path, data: bytes) -> None:
    """Exchanges a file of the store, durably and in one step, once its second place has it.

    Raises:
        SecondPlaceUnreachable, SecondPlaceDiffers: nothing changed here.
        OSError: the disk refuses; what was at `path` stands.
    """
    store = path.parent
    with alone(store / LOCK_FILE):
        place = _read_place(store)
        if place is None:
            exchange(path, data)
            return
        position = _tell(store, place, {path.name: data})
        exchange(path, data)
        _settle(store, place, position)


def removed(store: Path) -> None:
    """Lets the second place, where there is one, have no file that the store has no more.

    Raises:
        SecondPlaceUnreachable, SecondPlaceDiffers: it has them still; doing it again goes on.
        OSError: the disk refuses.
    """
    with alone(store / LOCK_FILE):
        place = _read_place(store)
        if place is not None:
            _settle(store, place, _tell(store, place, {}))


def begin(store: Path, folder: Path) -> Path:
    """Begins a second place instead of any other; gives the folder of ours in it.

    Args:
        store: the custodian's, whether it runs or not.
        folder: absolute, on another disk.

    Raises:
        OSError: it cannot be written; the store tells it nothing then.
    """
    with alone(store / LOCK_FILE):
        place = SecondPlace(folder / secrets.token_hex(16), secrets.token_bytes(32))
        place.folder.mkdir(mode=0o700)
        flush_folder(folder)
        _write(store, place, State(1, {}), {})
        end_of(store)
        exchange(store / MARK_FILE, b"1")
        exchange(store / PLACE_FILE, place.to_bytes())
    return place.folder


def end(store: Path) -> bool:
    """Tells the second place nothing any more; what is there stays. False where there was none."""
    with alone(store / LOCK_FILE):
        return end_of(store)


def end_of(store: Path) -> bool:
    """As `end`, of a store that nobody else works on."""
    had = (store / PLACE_FILE).exists()
    for name in (PLACE_FILE, MARK_FILE):
        (store / name).unlink(missing_ok=True)
    flush_folder(store)
    return had


def check(store: Path) -> State | None:
    """Demands that the second place has what the store has; None where none was begun.

    Raises:
        SecondPlaceUnreachable, SecondPlaceDiffers: it has not.
    """
    with alone(store / LOCK_FILE):
        place = _read_place(store)
        if place is None:
            return None
        state = _state_of(place)
        if state.files != {name: _hash(data) for name, data in _files(store).items()}:
            raise SecondPlaceDiffers("the second place has other files than the store")
        for told in state.files.values():
            _blob(place, told)
        return state


def adopt(store: Path, folder: Path) -> int:
    """Makes a restored store what its second place has; gives how often that was written.

    It has no second place then: another one is to be begun. Killed half-way, it is done again.

    Args:
        store: of a backup that was made since the place was begun; no custodian runs on it.
        folder: that the place was begun in, wherever it is mounted now.

    Raises:
        SecondPlaceDiffers: the backup knows of none, or the place is older than the backup, or
            damaged; nothing changed.
        SecondPlaceUnreachable: it is not there.
        OSError: the disk refuses.
    """
    known = _read_place(store)
    if known is None:
        raise SecondPlaceDiffers("the backup was made before the second place was begun")
    place = SecondPlace(folder / known.folder.name, known.secret)
    state = _state_of(place)
    if state.position < _mark(store):
        raise SecondPlaceDiffers("the second place is older than the backup")
    files = {name: _blob(place, told) for name, told in state.files.items()}
    for name in _files(store):
        if name not in files:
            (store / name).unlink()
    for name, data in files.items():
        exchange(store / name, data)
    end_of(store)
    return state.position


def _tell(store: Path, place: SecondPlace, changed: dict[str, bytes]) -> int:
    """Writes the store as it is, with what is about to change, into its second place."""
    position, known = _mark(store) + 1, _state_of(place).position
    if known not in {position - 1, position}:
        which = "older" if known > position else "newer"
        raise SecondPlaceDiffers(f"the store is {which} than its second place")
    _write(store, place, State(position, {}), changed)
    return position


def _write(store: Path, place: SecondPlace, state: State, changed: dict[str, bytes]) -> None:
    files = {**_files(store), **changed}
    named = {name: _hash(data) for name, data in files.items()}
    try:
        for name, told in named.items():
            path = place.folder / told
            if not path.exists():
                path.with_name(f".{told}").unlink(missing_ok=True)
                write_new(path.with_name(f".{told}"), files[name])
                path.with_name(f".{told}").replace(path)
        flush_folder(place.folder)
        written = State(state.position, named)
        exchange(place.folder / STATE_FILE, written.to_bytes(place.secret))
    except OSError as error:
        raise _unreachable(place, error) from error


def _settle(store: Path, place: SecondPlace, position: int) -> None:
    """Notes that a step is over; what only the step before it needed goes."""
    exchange(store / MARK_FILE, str(position).encode())
    kept = {STATE_FILE, *_state_of(place).files.values()}
    try:
        for path in place.folder.iterdir():
            if path.name not in kept:
                path.unlink()
        flush_folder(place.folder)
    except OSError as error:
        raise _unreachable(place, error) from error


def _state_of(place: SecondPlace) -> State:
    try:
        data = (place.folder / STATE_FILE).read_bytes()
    except OSError as error:
        raise _unreachable(place, error) from error
    try:
        return State.parse(data, place.secret)
    except ValueError as error:
        raise SecondPlaceDiffers(f"the second place is damaged: {error}") from error


def _blob(place: SecondPlace, told: str) -> bytes:
    try:
        data = (place.folder / told).read_bytes()
    except OSError as error:
        raise _unreachable(place, error) from error
    if not hmac.compare_digest(_hash(data), told):
        raise SecondPlaceDiffers("a file of the second place is damaged")
    return data


def _files(store: Path) -> dict[str, bytes]:
    found = [path for pattern in _TOLD for path in store.glob(pattern)]
    return {
        path.name: read_private(path, most=_BYTES_MAX)
        for path in found
        if not path.name.startswith(".")
    }


def _read_place(store: Path) -> SecondPlace | None:
    try:
        data = read_private(store / PLACE_FILE)
    except FileNotFoundError:
        return None
    try:
        return SecondPlace.parse(data)
    except ValueError as error:
        raise SecondPlaceDiffers(f"{PLACE_FILE} is malformed: {error}") from error


def _mark(store: Path) -> int:
    try:
        return int(read_private(store / MARK_FILE))
    except (ValueError, FileNotFoundError) as error:
        raise SecondPlaceDiffers(f"{MARK_FILE} is malformed: {error}") from error


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()


def _unreachable(place: SecondPlace, error: OSError) -> SecondPlaceUnreachable:
    return SecondPlaceUnreachable(f"{place.folder}: {error.strerror or error}")
