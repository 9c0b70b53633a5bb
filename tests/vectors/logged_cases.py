"""The cases of seals whose entry in the log a pack opens."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256

from keys import canonical
from keys.log.leaves import commit
from keys.merkle import inclusion_path, leaf_hash, root
from pouch.logged import ACTION, Logged
from pouch.pack import make_pack
from tests.support.valise import announced, pack
from tests.vectors.pouch_cases import MESSAGE, ROOT, TEXT, WHOLE, Case

TOLD, WRONG = "SEAL_GENUINE_BAG_ANNOUNCED", "LOG_PROOF_INVALID"
SALT = bytes(range(32))
OWN = sha256(MESSAGE.encode()).hexdigest()


def record(**changes: str) -> bytes:
    """What the log's entry about the seal says."""
    told = {"resource": OWN, "action": ACTION, "outcome": "done", "type": "depeche/v1 audit"}
    more = {"v": 1, "seq": 3, "time_us": 0, "actor": "-"}
    return canonical.encode({**more, **told, **changes})


def held(body: bytes) -> tuple[Logged, bytes]:
    """An entry of that record in a tree of four, and the tree's root."""
    leaves = [leaf_hash(bytes([n])) for n in range(3)] + [leaf_hash(commit(body, SALT))]
    return Logged(body, SALT, 3, 4, inclusion_path(3, leaves)), root(leaves)


def logged_cases() -> Iterator[Case]:
    """Every case."""
    good, top = held(record())
    yield _case("logged", "the pack proves that the log holds it", TOLD, good, top)
    yield _case("logged-unrooted", "to a root that the pack lacks", TOLD, good, None)
    yield _case("logged-salt", "another salt", WRONG, replace(good, salt=bytes(32)), top)
    yield _case("logged-aside", "another root", WRONG, good, held(record(actor="x"))[1])
    for name, about, body in (
        ("other", "the entry is of another seal", record(resource="0" * 64)),
        ("act", "the entry is of another act", record(action="submit")),
        ("refused", "the entry tells of a refusal", record(outcome="refused")),
        ("words", "the record is none", b"record"),
        ("list", "the record is a list", b"[1]"),
    ):
        yield _case(f"logged-{name}", about, WRONG, *held(body))


def _case(name: str, about: str, expect: str, logged: Logged, top: bytes | None) -> Case:
    roots = {} if top is None else {logged.size: top}
    return Case(f"pack-{name}", about, expect, TEXT, pack=_packed(logged, roots))


def _packed(logged: Logged, roots: dict[int, bytes]) -> Callable[[], bytes]:
    told = (replace(announced(WHOLE), logged=logged),)
    whole = pack(announced=told, roots=roots, checkpoint=b"a signed head")
    return lambda: make_pack(whole, sign=ROOT.sign)
