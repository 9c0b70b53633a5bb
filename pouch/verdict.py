"""The one judgement on a seal and its bag, for every door: telephone, API and `valise verify`.

`judge` takes what was scanned and what is known, and gives a `Verdict` with a name. It looks at, in
this order:

1. the text: is it a seal at all;
2. the key: is it trusted, and does the signature hold;
3. the key's standing: whose it is, in force, not revoked;
4. the seal's standing: not revoked, not recalled, in its time, not received before;
5. the announcement, when a pack is at hand;
6. the sealed manifest and its full signatures, when it is at hand;
7. the log, when the seal carries a proof or the pack holds one;
8. the bag itself: seal numbers, count and weight as somebody observed them.

Without 1 and 2 nothing else means anything and the verdict ends there. Otherwise every finding is
kept, and the gravest gives the name. A copy of a label verifies as well as the label: only 4, 5
and 8 say anything about the bag at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keys.devices import SEAL
from keys.errors import CardNotInForce, SignatureInvalid
from keys.merkle import ProofInvalid
from pouch.discrepancies import weight_is_off
from pouch.errors import SealDamaged
from pouch.findings import Finding, Logging, Name, PackSeen, Verdict, Witnessing
from pouch.logged import Logged
from pouch.pack import SKEW
from pouch.physical import Observed, compare_seals
from pouch.seal import claims_of, kid_of, read_seal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from keys.cards import Card
    from pouch.claims import Claims
    from pouch.manifest import Manifest
    from pouch.pack import Announced, Pack, RectifiedTo
    from pouch.seal import Seal
    from pouch.sealed import SealedManifest, Signed


_GRAVITY: Final = {name: place for place, name in enumerate(Name)}


class Trust:
    """The cards that a reader trusts, found by what a seal names."""

    def __init__(self, cards: Iterable[Card]) -> None:
        self._by_kid: dict[bytes, dict[str, Card]] = {}
        for card in cards:
            self._by_kid.setdefault(kid_of(card), {})[card.fingerprint] = card

    def named(self, kid: bytes) -> tuple[Card, ...]:
        """Gives all cards that a `kid` may mean; 8 bytes are not enough to be sure of one."""
        return tuple(self._by_kid.get(kid, {}).values())

    def card(self, fingerprint: str) -> Card | None:
        """Gives the card of that fingerprint, or None."""
        return self._by_kid.get(bytes.fromhex(fingerprint)[:8], {}).get(fingerprint)


def judge(
    text: str,
    *,
    trust: Trust,
    at: datetime,
    sealed: SealedManifest | None = None,
    pack: Pack | None = None,
    observed: Observed | None = None,
    rectified: Manifest | None = None,
) -> Verdict:
    """Judges a seal.

    Args:
        text: as scanned, by any keyboard layout.
        trust: cards known to be what they say: from files, or those of the pack.
        at: the present time, aware; a clock that is behind the pack's issue is not believed.
        sealed: the sealed manifest, if it is at hand.
        pack: the sync pack, verified by `pouch.pack.read_pack`.
        observed: what somebody saw of the bag, typed before the expected was shown.
        rectified: the sealed manifest as its origin put it right (`pouch.rectification.rectified`);
            the bag is weighed against it, else against the weight that a pack tells as right.
    """
    at = at if pack is None else max(at, pack.issued)
    seen = None if pack is None else _seen(pack, at)
    # 1. and 2.
    try:
        seal = read_seal(text)
    except SealDamaged as error:
        return _alone(Name.SEAL_DAMAGED, str(error), seen)
    named = trust.named(seal.message.kid)
    if not named:
        return _alone(Name.KEY_UNKNOWN, f"no trusted card begins {seal.message.kid.hex()}", seen)
    card = next((card for card in named if _holds(seal, card)), None)
    if card is None:
        return _alone(Name.SEAL_EDITED, "the signature does not hold", seen)
    # 3. to 8.
    case = _Case(seal, card, trust, at, pack)
    case.judge_key()
    case.judge_standing()
    if pack is not None and seen is not None and not seen.expired:
        case.judge_announcement(pack)
    if sealed is not None:
        case.judge_manifest(sealed)
    case.judge_log()
    if observed is not None:
        case.judge_bag(observed, rectified)
    findings = case.findings or [Finding(case.best, "nothing was found wrong")]
    findings.sort(key=lambda finding: _GRAVITY[finding.name])
    return Verdict(
        tuple(findings), seal.claims, case.witnessing, case.logging, seen, case.rectified
    )


def _alone(name: Name, detail: str, seen: PackSeen | None) -> Verdict:
    """Gives the verdict on a text that is nobody's seal."""
    finding = Finding(name, detail)
    return Verdict((finding,), None, Witnessing.UNWITNESSED, Logging.NO_PROOF, seen)


def _seen(pack: Pack, at: datetime) -> PackSeen:
    return PackSeen(pack.version, at - pack.issued, at >= pack.expires)


def _holds(seal: Seal, card: Card) -> bool:
    try:
        seal.message.verify(card.verifying_key)
    except SignatureInvalid:
        return False
    return True


@dataclass(slots=True)
class _Case:
    """A seal whose signature holds, and what is found about it on the way."""

    seal: Seal
    card: Card
    trust: Trust
    at: datetime
    pack: Pack | None
    findings: list[Finding] = field(default_factory=list)
    witnessing: Witnessing = Witnessing.UNWITNESSED
    logging: Logging = Logging.NO_PROOF
    best: Name = Name.SEAL_GENUINE_BAG_UNCHECKED
    rectified: RectifiedTo | None = None

    @property
    def claims(self) -> Claims:
        return self.seal.claims

    def find(self, name: Name, detail: str) -> None:
        self.findings.append(Finding(name, detail))

    def judge_key(self) -> None:
        if self.claims.issuer != self.card.post:
            self.find(
                Name.ISSUER_FALSE, f"a key of {self.card.post} sealed for {self.claims.issuer}"
            )
        if self._revoked(self.card):
            self.find(Name.KEY_REVOKED, f"the card {self.card.fingerprint} is revoked")
        try:
            self.card.require_in_force(self.claims.issued)
        except CardNotInForce as error:
            self.find(Name.KEY_NOT_IN_FORCE, str(error))

    def judge_standing(self) -> None:
        claims, pack = self.claims, self.pack
        if self.claims.witness is not None:
            self.witnessing = Witnessing.CLAIMED
        if pack is not None:
            if claims.seal in pack.revoked_seals:
                self.find(Name.SEAL_REVOKED, f"the closing {claims.seal} is revoked")
            if claims.seal in pack.recalled:
                self.find(Name.BAG_RECALLED, f"{claims.issuer} wants the bag back, unopened")
            for arrival in pack.arrivals:
                if arrival.seal == claims.seal:
                    self.find(Name.CLONE_SUSPECTED, f"received before at {arrival.place}")
        if self.at >= claims.expires:
            self.find(Name.SEAL_EXPIRED, f"expired {self.at - claims.expires} ago")
        if self.at < claims.issued - SKEW:
            self.find(Name.SEAL_NOT_YET_VALID, f"made {claims.issued - self.at} from now")

    def judge_announcement(self, pack: Pack) -> None:
        told = self._told()
        if told is None:
            # A bag that was received is no longer among those under way.
            known = pack.recalled | {arrival.seal for arrival in pack.arrivals}
            if self.claims.seal not in known:
                self.find(Name.BAG_UNANNOUNCED, "the pack announces no such closing")
        elif not _agree(told, self.claims):
            self.find(Name.ANNOUNCEMENT_DIFFERS, "the announcement says otherwise")
        else:
            self.best = Name.SEAL_GENUINE_BAG_ANNOUNCED
            self.rectified = told.rectified

    def judge_manifest(self, sealed: SealedManifest) -> None:
        self.best = Name.SEAL_GENUINE_MANIFEST_MATCHES
        claims = claims_of(sealed.manifest, self.claims.witness)
        if claims != self.claims or sealed.seal.message != self.seal.message:
            self.find(Name.MANIFEST_DIFFERS, "the manifest is not the one that was sealed")
            return
        if not self._signed(sealed.sealer, self.card):
            self.find(Name.SEALER_INVALID, "the sealer's full signature does not hold")
        if self.claims.witness is not None:
            self._judge_witness(self.claims.witness, sealed.witness)

    def judge_log(self) -> None:
        """Judge the proof that the label bears, else the one that the pack holds."""
        proof = self.seal.proof or self._told_proof()
        if proof is None:
            return
        self.logging = Logging.UNCHECKED
        root = None if self.pack is None else self.pack.roots.get(proof.size)
        if root is None:
            return
        try:
            if isinstance(proof, Logged):
                proof.require(self.seal.message.encode(), root)
            else:
                self.seal.require_logged(proof, root)
        except ProofInvalid as error:
            self.find(Name.LOG_PROOF_INVALID, str(error))
        else:
            self.logging = Logging.PROVED

    def _told_proof(self) -> Logged | None:
        told = self._told()
        return None if told is None else told.logged

    def _told(self) -> Announced | None:
        announced = () if self.pack is None else self.pack.announced
        return next((bag for bag in announced if bag.seal == self.claims.seal), None)

    def judge_bag(self, observed: Observed, rectified: Manifest | None) -> None:
        if observed.seals is not None:
            match = compare_seals(self.claims.seals, observed.seals)
            if match.near:
                self.find(Name.SEAL_NUMBER_NEAR_MISS, "a number is nearly the sealed one")
            elif not match.equal:
                self.find(Name.SEAL_NUMBERS_WRONG, "other seals than the sealed ones")
            self.best = Name.SEAL_GENUINE_BAG_CHECKED
        if observed.packages is not None and observed.packages != self.claims.packages:
            self.find(Name.BAG_COUNT_WRONG, f"{observed.packages} bags, not {self.claims.packages}")
        weighed = (rectified or self.rectified or self.claims).weight_g
        if observed.weight_g is not None and weight_is_off(weighed, observed.weight_g):
            self.find(Name.WEIGHT_OFF, f"{observed.weight_g} g, not {weighed} g")

    def _judge_witness(self, kid: bytes, witness: Signed | None) -> None:
        if witness is None or bytes.fromhex(witness.fingerprint)[: len(kid)] != kid:
            self.find(Name.WITNESS_INVALID, "the witness whom the seal names did not sign")
            return
        card = self.trust.card(witness.fingerprint)
        if card is None:
            return
        if self._signed(witness, card) and not self._revoked(card) and self._in_force(card):
            self.witnessing = Witnessing.VERIFIED
        else:
            self.find(Name.WITNESS_INVALID, "the witness's signature does not hold or counts not")

    def _signed(self, signed: Signed, card: Card) -> bool:
        if signed.fingerprint != card.fingerprint:
            return False
        try:
            card.verifying_key.verify(SEAL, self.seal.message.payload, signed.signatures)
        except SignatureInvalid:
            return False
        return True

    def _revoked(self, card: Card) -> bool:
        return self.pack is not None and card.fingerprint in self.pack.revoked_cards

    def _in_force(self, card: Card) -> bool:
        return card.valid_from <= self.claims.issued < card.valid_until


def _agree(bag: Announced, claims: Claims) -> bool:
    ends_alike = bag.expires in (None, claims.expires)
    return ends_alike and _told(bag) == _claimed(claims)


def _told(bag: Announced) -> tuple[object, ...]:
    return bag.bag, bag.digest, bag.seals, bag.destination, bag.packages


def _claimed(claims: Claims) -> tuple[object, ...]:
    digest = claims.digest.hex()
    return claims.bag, digest, claims.seals, claims.destination, claims.packages
