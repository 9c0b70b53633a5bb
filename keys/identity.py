"""A post's identity: its secret keys in one folder, behind a passphrase.

    DIR/CODE.card     public: the card (keys.cards)
    DIR/secret.age    the secrets, an age file that `age -d` opens with the passphrase
    DIR/secret.json   the same in clear, when the folder's own protection was chosen instead

Inside is canonical JSON (SPEC.md §10) with the age identity, the seeds of both signature keys,
the private key with which the post signs in, and the fingerprint of the card they belong to. A
folder holds one identity; nothing here ever overwrites a file.
"""

from __future__ import annotations

import hmac
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.age.bech32 import decode_identity, encode_identity
from keys.age.files import decrypt_with_passphrase, encrypt_with_passphrase
from keys.age.hybrid import HybridKey
from keys.cards import Card, issue_card, read_card
from keys.errors import IdentityInvalid
from keys.files import flush_folder, write_new
from keys.jws import ApiKey
from keys.records import FINGERPRINT, POST, Record
from keys.s2.complements import Complement, make_complement
from keys.s2.recipients import open_with_hybrids
from keys.signing import MANIFEST, REROUTING, SEED_BYTES, Signatures, SigningKey
from keys.suites import S2

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from keys.age.header import Header
    from keys.manifest import Manifest

SECRET_AGE: Final = "secret.age"  # noqa: S105  the name of a file
SECRET_JSON: Final = "secret.json"  # noqa: S105  the name of a file
_TYPE: Final = "depeche/v1 secret"
_WITNESS: Final = b"depeche/v1 witness-key\0"
_AGE_IDENTITY: Final = re.compile(r"AGE-SECRET-KEY-PQ-1[02-9AC-HJ-NP-Z]{58}")


@dataclass(frozen=True, repr=False)
class Identity:
    """Keys that sign and open for one card; a `DispatchSigner` and a `FileKeyOpener`."""

    card: Card
    signing_key: SigningKey
    hybrid_key: HybridKey
    api_key: ApiKey

    def __repr__(self) -> str:
        # Secrets must not reach a log by way of a container's repr.
        return f"Identity({self.card.post}, edition {self.card.edition})"

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of the one card whose key opens."""
        return frozenset({self.card.fingerprint})

    @property
    def age_identity(self) -> str:
        """`AGE-SECRET-KEY-PQ-1...`, for use with other tools."""
        return encode_identity(self.hybrid_key.seed)

    def sign(self, context: str, message: bytes) -> Signatures:
        """Both signatures over `message` in `context`."""
        return self.signing_key.sign(context, message)

    def witness_seed(self) -> bytes:
        """32 bytes for the key with which this post cosigns the ministry's log (LOG.md §9)."""
        return hmac.digest(self.signing_key.ed25519_seed, _WITNESS, "sha256")

    def sign_cose(self, structure: bytes) -> bytes:
        """The Ed25519 signature over a COSE `Sig_structure`, for the seal of a bag."""
        return self.signing_key.sign_cose(structure)

    def sign_manifest(self, manifest: Manifest) -> Signatures:
        """The signatures over a manifest's bytes that its suite demands."""
        if manifest.suite == S2:
            return self.signing_key.sign_thrice(MANIFEST, manifest.encode())
        return self.sign(MANIFEST, manifest.encode())

    def complement(self) -> Complement:
        """The keys of suite S2 that go with the card; the same each time but for signatures."""
        return make_complement(self.card, self.signing_key, self.hybrid_key)

    def sign_rerouting(self, addendum: bytes) -> Signatures:
        """Both signatures over a rerouting addendum's bytes."""
        return self.sign(REROUTING, addendum)

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:  # noqa: ARG002  part of the protocol
        """The file key of a header; see `FileKeyOpener`.

        Raises:
            NotAddressed: no stanza is for this key.
            HeaderMalformed: a hybrid stanza breaks the format.
            HeaderTampered: the MAC does not hold.
        """
        return open_with_hybrids(header, [self.hybrid_key])


def create_identity(
    folder: Path,
    post: str,
    *,
    passphrase: bytes | None,
    valid_from: datetime,
    valid_until: datetime,
    edition: int = 1,
    previous: str | None = None,
) -> Identity:
    """Makes new keys and their card, and writes both files durably.

    Args:
        folder: made with mode 0700 if it is not there.
        post: code of the post.
        passphrase: wraps the secrets; None keeps them in clear, mode 0600.
        valid_from: UTC, whole seconds, included.
        valid_until: UTC, whole seconds, excluded.
        edition: of the card.
        previous: fingerprint of the card of the edition before.

    Raises:
        CardInvalid: the post's code, the validity or the edition is not as a card's must be.
        FileExistsError: the folder already holds an identity or this card; nothing changed.
        OSError: the disk refuses; what was written is removed.
    """
    signing_key = SigningKey.generate()
    hybrid_key = HybridKey.generate()
    card = issue_card(
        signing_key,
        hybrid_key.recipient,
        post=post,
        edition=edition,
        valid_from=valid_from,
        valid_until=valid_until,
        previous=previous,
    )
    identity = Identity(card, signing_key, hybrid_key, ApiKey.generate())
    secret = _encode_secret(identity)
    if passphrase is None:
        files = {SECRET_JSON: secret}
    else:
        files = {SECRET_AGE: encrypt_with_passphrase(secret, passphrase)}
    files[f"{post}.card"] = card.to_bytes() + b"\n"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (SECRET_AGE, SECRET_JSON):
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name} is there already")
    _write_new(folder, files)
    return identity


def load_identity(folder: Path, ask: Callable[[], bytes]) -> Identity:
    """Reads an identity and checks that secrets and card belong together.

    Args:
        folder: as `create_identity` left it.
        ask: gives the passphrase; called only when the secrets are wrapped.

    Raises:
        PassphraseWrong: the passphrase does not open the secrets.
        IdentityInvalid: the secrets are malformed or not those of the card.
        CardInvalid: the card is.
        FileNotFoundError: the folder holds no identity.
        OSError: the disk refuses.
    """
    wrapped = folder / SECRET_AGE
    if wrapped.exists():
        secret = decrypt_with_passphrase(wrapped.read_bytes(), ask())
    else:
        secret = (folder / SECRET_JSON).read_bytes()
    try:
        record = Record(canonical.decode(secret), "secret")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        post = record.text("post", POST)
        fingerprint = record.text("card", FINGERPRINT)
        hybrid_key = HybridKey(decode_identity(record.text("age", _AGE_IDENTITY)))
        signing_key = SigningKey(
            record.octets("ed25519", SEED_BYTES), record.octets("mldsa65", SEED_BYTES)
        )
        api_key = ApiKey.from_private_bytes(record.octets("api", SEED_BYTES))
        record.close()
    except ValueError as error:
        raise IdentityInvalid(str(error)) from error
    card = read_card((folder / f"{post}.card").read_bytes())
    public = signing_key.verifying_key
    held = (fingerprint, hybrid_key.recipient, public.ed25519, public.mldsa65)
    if held != (card.fingerprint, card.recipient, card.ed25519, card.mldsa65):
        raise IdentityInvalid(f"the secrets are not those of {post}.card")
    return Identity(card, signing_key, hybrid_key, api_key)


def _encode_secret(identity: Identity) -> bytes:
    return canonical.encode(
        {
            "v": 1,
            "type": _TYPE,
            "post": identity.card.post,
            "card": identity.card.fingerprint,
            "age": identity.age_identity,
            "ed25519": canonical.text_from_bytes(identity.signing_key.ed25519_seed),
            "mldsa65": canonical.text_from_bytes(identity.signing_key.mldsa65_seed),
            "api": canonical.text_from_bytes(identity.api_key.private_bytes()),
        }
    )


def _write_new(folder: Path, files: dict[str, bytes]) -> None:
    """Writes all files or none, each new, mode 0600 (the card 0644), fsynced with their folder."""
    written: list[Path] = []
    try:
        for name, data in files.items():
            path = folder / name
            mode = 0o644 if name.endswith(".card") else 0o600
            write_new(path, data, mode)
            written.append(path)
        flush_folder(folder)
    except BaseException:
        for path in written:
            with suppress(OSError):
                path.unlink()
        raise
