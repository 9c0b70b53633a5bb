"""P10: no content is recoverable from a label, however many manifests somebody guesses.

`GATES=full` tries a million; the ordinary run a few thousand, among them the true content itself.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator

from keys import canonical
from pouch.bordereau import digest
from pouch.members import manifest_object
from pouch.seal import read_seal
from pouch.sealed import seal_manifest
from tests.support.valise import item, manifest
from tests.vectors.forge import identity

GUESSES = 1_000_000 if os.environ.get("GATES") == "full" else 4_000
TRUTH = manifest(
    items=(item(1, weight_g=240, salt=secrets.token_bytes(32)),), salt=secrets.token_bytes(32)
)
HEAD = {name: value for name, value in manifest_object(TRUTH).items() if name != "items"}
LINE = manifest_object(TRUTH)["items"][0]


def _digest(head_salt: bytes, line_salt: bytes, weight_g: int) -> bytes:
    """An attacker's own quick reckoning of a bag's digest, from SPEC.md §2."""
    head = canonical.encode({**HEAD, "salt": canonical.text_from_bytes(head_salt)})
    guess = {**LINE, "weight_g": weight_g, "salt": canonical.text_from_bytes(line_salt)}
    leaf = hashlib.sha256(b"\0" + canonical.encode(guess)).hexdigest()
    hashed = hashlib.sha256(head).hexdigest()
    said = {"v": 1, "type": "valise/v1 digest", "count": 1, "head": hashed, "items": leaf}
    return hashlib.sha256(canonical.encode(said)).digest()


def _salts(known: tuple[bytes, ...]) -> Iterator[bytes]:
    """What a lazy maker might have used, then chance."""
    yield bytes(32)
    for each in known:
        yield hashlib.sha256(each).digest()
    while True:
        yield secrets.token_bytes(32)


def test_a_label_confirms_no_guess_of_what_the_bag_holds() -> None:
    """The attacker has the label and knows everything but one weight and the salts."""
    label = seal_manifest(TRUTH, sealer=identity("YAOUNDE")).seal.text
    claims = read_seal(label).claims
    salts = _salts((bytes.fromhex(claims.seal), claims.bag.encode(), claims.digest, b""))
    for number in range(GUESSES):
        salt = next(salts)
        assert _digest(salt, salt, 200 + number % 100) != claims.digest


def test_with_the_salts_the_very_same_attack_succeeds() -> None:
    """So the one above would see it if the salts did not count."""
    expected = digest(TRUTH)
    found = [
        weight
        for weight in range(200, 300)
        if _digest(TRUTH.salt, TRUTH.items[0].salt, weight) == expected
    ]
    assert found == [240]
