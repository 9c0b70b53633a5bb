"""P8: a seal tells, offline, who sealed which bag for whom; and each fraud has its name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from keys.cards import issue_card
from keys.cose import sign1
from keys.devices import SEAL
from keys.merkle import inclusion_path, leaf_hash, root
from keys.signing import Signatures
from pouch.digits import AZERTY, CALIBRATION, encode_digits
from pouch.discrepancies import weight_is_off
from pouch.findings import Logging, Name, Verdict, Witnessing, Word
from pouch.pack import Arrival
from pouch.physical import Observed, compare_seals
from pouch.seal import LogProof, claims_of, kid_of, make_seal
from pouch.sealed import Signed, seal_manifest
from pouch.verdict import Trust, judge
from tests.support.valise import CLOSED, SEALS, announced, item, manifest, pack
from tests.vectors.forge import identity

SEALER, WITNESS, ROGUE = identity("YAOUNDE"), identity("DOUALA"), identity("ROGUE")
MANIFEST = manifest()
SEALED = seal_manifest(MANIFEST, sealer=SEALER, witness=WITNESS)
TEXT = SEALED.seal.text
NOW = CLOSED + timedelta(days=1)
TRUST = Trust([SEALER.card, WITNESS.card])
PACK = pack(announced=(announced(MANIFEST),))

judged = partial(judge, trust=TRUST, at=NOW)


def names(verdict: Verdict) -> list[Name]:
    return [finding.name for finding in verdict.findings]


class TestGenuine:
    def test_a_label_alone_says_that_the_bag_is_unchecked(self) -> None:
        verdict = judged(TEXT)
        assert names(verdict) == [Name.SEAL_GENUINE_BAG_UNCHECKED]
        assert verdict.genuine
        assert verdict.word is Word.VERIFY
        assert verdict.claims == claims_of(MANIFEST, kid_of(WITNESS.card))
        assert verdict.witnessing is Witnessing.CLAIMED
        assert verdict.logging is Logging.NO_PROOF
        assert verdict.pack is None

    def test_an_announced_bag(self) -> None:
        verdict = judged(TEXT, pack=PACK)
        assert verdict.name is Name.SEAL_GENUINE_BAG_ANNOUNCED
        assert verdict.pack is not None
        assert (verdict.pack.version, verdict.pack.age) == (7, timedelta(hours=23))
        assert not verdict.pack.expired

    def test_a_bag_with_its_manifest_and_both_full_signatures(self) -> None:
        verdict = judged(TEXT, sealed=SEALED, pack=PACK)
        assert verdict.name is Name.SEAL_GENUINE_MANIFEST_MATCHES
        assert verdict.witnessing is Witnessing.VERIFIED

    def test_a_bag_whose_seals_somebody_looked_at(self) -> None:
        seen = Observed(seals=tuple(reversed(SEALS)), packages=2, weight_g=8_600)
        verdict = judged(TEXT, observed=seen)
        assert verdict.name is Name.SEAL_GENUINE_BAG_CHECKED
        assert verdict.word is Word.CONFORMS
        typed = Observed(seals=("mx-48213907 ", "pl5520418"))
        assert judged(TEXT, observed=typed).word is Word.CONFORMS
        assert judged(TEXT, observed=Observed()).name is Name.SEAL_GENUINE_BAG_UNCHECKED

    def test_one_person_alone_is_called_unwitnessed_in_every_verdict(self) -> None:
        alone = seal_manifest(MANIFEST, sealer=SEALER)
        for verdict in (
            judged(alone.seal.text),
            judged(alone.seal.text, sealed=alone),
            judged(alone.seal.text, observed=Observed(seals=SEALS)),
            judged("nothing"),
        ):
            assert verdict.witnessing is Witnessing.UNWITNESSED

    @pytest.mark.parametrize("layout", [AZERTY, "é+ěščřžýáí", ")!@#$%^&*("])
    def test_a_garbled_layout_changes_nothing(self, layout: str) -> None:
        garbled = TEXT.translate(str.maketrans(CALIBRATION, layout))
        assert judged(garbled + "\r\n") == judged(TEXT)


class TestTheSealItself:
    @pytest.mark.parametrize("text", ["", "hello", "https://example.org/", TEXT[:-1], TEXT + "0"])
    def test_damaged(self, text: str) -> None:
        verdict = judged(text)
        assert names(verdict) == [Name.SEAL_DAMAGED]
        assert verdict.claims is None
        assert verdict.word is Word.REFUSE

    def test_label_of_another_ministrys_key(self) -> None:
        theirs = manifest(waybill=replace(MANIFEST.waybill, origin="ROGUE"))
        verdict = judged(seal_manifest(theirs, sealer=ROGUE).seal.text, pack=PACK)
        assert names(verdict) == [Name.KEY_UNKNOWN]
        assert verdict.claims is None

    def test_edited_claims(self) -> None:
        seal = SEALED.seal
        forged = replace(seal.claims, seals=("MX-00000000",)).encode()
        message = replace(seal.message, payload=forged)
        verdict = judged(encode_digits(message.encode()), observed=Observed(seals=("MX-00000000",)))
        assert names(verdict) == [Name.SEAL_EDITED]
        assert verdict.claims is None

    def test_a_trusted_post_seals_for_itself_only(self) -> None:
        payload = SEALED.seal.claims.encode()
        message = sign1(payload, kid=kid_of(WITNESS.card), sign=WITNESS.sign_cose)
        assert names(judged(encode_digits(message.encode()))) == [Name.ISSUER_FALSE]

    def test_a_kid_that_two_cards_share_is_tried_with_both(self) -> None:
        """Eight bytes can be made to collide: the kid proves nothing."""
        trust = Trust([])
        trust._by_kid = {
            kid_of(SEALER.card): {"00" * 32: ROGUE.card, SEALER.card.fingerprint: SEALER.card}
        }
        assert judged(TEXT, trust=trust).genuine

    def test_a_card_out_of_force_or_revoked_seals_nothing(self) -> None:
        late = MANIFEST.closed - timedelta(days=1)
        card = issue_card(
            SEALER.signing_key,
            SEALER.card.recipient,
            post="YAOUNDE",
            edition=1,
            valid_from=late - timedelta(days=1),
            valid_until=late,
        )
        seal = make_seal(SEALED.seal.claims, card=card, sign=SEALER.sign_cose)
        assert names(judged(seal.text, trust=Trust([card]))) == [Name.KEY_NOT_IN_FORCE]
        revoked = pack(announced=PACK.announced, revoked_cards=frozenset({SEALER.card.fingerprint}))
        assert names(judged(TEXT, pack=revoked)) == [Name.KEY_REVOKED]

    def test_expired_and_not_yet_valid(self) -> None:
        assert judged(TEXT, at=MANIFEST.expires - timedelta(seconds=1)).genuine
        assert judged(TEXT, at=MANIFEST.expires).name is Name.SEAL_EXPIRED
        assert judged(TEXT, at=CLOSED - timedelta(minutes=5)).genuine
        assert judged(TEXT, at=CLOSED - timedelta(minutes=6)).name is Name.SEAL_NOT_YET_VALID

    def test_revoked(self) -> None:
        revoked = replace(PACK, revoked_seals=frozenset({MANIFEST.seal}))
        assert judged(TEXT, pack=revoked).name is Name.SEAL_REVOKED
        # Revocations outlive the pack that told them.
        late = judged(TEXT, pack=replace(revoked, expires=NOW))
        assert late.name is Name.SEAL_REVOKED
        assert late.pack is not None
        assert late.pack.expired


class TestTheAnnouncement:
    def test_a_copied_label_arrives_a_second_time(self) -> None:
        arrived = replace(PACK, announced=(), arrivals=(Arrival(MANIFEST.seal, "LOME", CLOSED),))
        verdict = judged(TEXT, pack=arrived)
        assert names(verdict) == [Name.CLONE_SUSPECTED]
        assert "LOME" in verdict.findings[0].detail
        other = replace(PACK, arrivals=(Arrival("00" * 16, "LOME", CLOSED),))
        assert judged(TEXT, pack=other).genuine

    def test_a_recalled_bag_has_a_word_of_its_own(self) -> None:
        wanted = replace(PACK, recalled=frozenset({MANIFEST.seal}))
        checked = judged(TEXT, pack=wanted, observed=Observed(seals=SEALS))
        assert names(checked) == [Name.BAG_RECALLED]
        assert (checked.word, checked.genuine) == (Word.RETURN, False)
        unannounced = replace(wanted, announced=())
        assert names(judged(TEXT, pack=unannounced)) == [Name.BAG_RECALLED]
        other = replace(PACK, recalled=frozenset({"00" * 16}))
        assert judged(TEXT, pack=other).genuine

    def test_what_is_wrong_with_a_recalled_bag_is_graver_than_its_recall(self) -> None:
        wanted = replace(PACK, recalled=frozenset({MANIFEST.seal}))
        swapped = judged(TEXT, pack=wanted, observed=Observed(seals=SEALS[:1], weight_g=1))
        assert names(swapped) == [Name.SEAL_NUMBERS_WRONG, Name.BAG_RECALLED, Name.WEIGHT_OFF]
        assert swapped.word is Word.REFUSE
        copied = replace(wanted, arrivals=(Arrival(MANIFEST.seal, "YAOUNDE", CLOSED),))
        assert judged(TEXT, pack=copied).name is Name.CLONE_SUSPECTED

    def test_a_clock_behind_the_packs_issue_keeps_no_seal_alive(self) -> None:
        issued = MANIFEST.expires + timedelta(minutes=3)
        fresh = replace(PACK, issued=issued, expires=issued + timedelta(days=7))
        late = judged(TEXT, pack=fresh, at=issued - timedelta(minutes=5))
        assert late.name is Name.SEAL_EXPIRED
        assert late.pack is not None
        assert late.pack.age == timedelta()
        assert judged(TEXT, at=issued - timedelta(minutes=5)).genuine

    def test_an_unannounced_bag(self) -> None:
        assert names(judged(TEXT, pack=replace(PACK, announced=()))) == [Name.BAG_UNANNOUNCED]

    @pytest.mark.parametrize(
        "change",
        [
            {"bag": "0" * 22},
            {"digest": "00" * 32},
            {"seals": SEALS[:1]},
            {"destination": "LOME"},
            {"packages": 3},
            {"expires": MANIFEST.expires + timedelta(seconds=1)},
        ],
    )
    def test_a_bag_announced_otherwise(self, change: dict[str, object]) -> None:
        other = replace(PACK, announced=(announced(MANIFEST, **change),))
        assert names(judged(TEXT, pack=other)) == [Name.ANNOUNCEMENT_DIFFERS]

    def test_an_expired_pack_announces_nothing_and_accuses_nobody(self) -> None:
        verdict = judged(TEXT, pack=replace(PACK, announced=(), expires=NOW))
        assert verdict.name is Name.SEAL_GENUINE_BAG_UNCHECKED
        assert verdict.pack is not None
        assert verdict.pack.expired


class TestTheManifest:
    def test_an_item_added_after_sealing(self) -> None:
        more = replace(SEALED, manifest=replace(MANIFEST, items=(*MANIFEST.items, item(11))))
        verdict = judged(TEXT, sealed=more)
        assert names(verdict) == [Name.MANIFEST_DIFFERS]
        assert not verdict.manifest_holds
        assert judged(TEXT, sealed=SEALED).manifest_holds

    def test_an_item_exchanged_after_sealing(self) -> None:
        items = (*MANIFEST.items[:-1], item(10, addressee="Un autre"))
        other = replace(SEALED, manifest=replace(MANIFEST, items=items))
        assert names(judged(TEXT, sealed=other)) == [Name.MANIFEST_DIFFERS]

    def test_the_manifest_of_another_bag(self) -> None:
        other = seal_manifest(manifest(seal="ab" * 16), sealer=SEALER, witness=WITNESS)
        assert names(judged(TEXT, sealed=other)) == [Name.MANIFEST_DIFFERS]

    def test_a_sealer_who_signs_with_one_key_only(self) -> None:
        """Against whoever breaks Ed25519: the label alone would pass."""
        broken = Signatures(SEALED.sealer.signatures.ed25519, bytes(3309))
        for signed in (
            replace(SEALED.sealer, signatures=broken),
            replace(SEALED.sealer, fingerprint=WITNESS.card.fingerprint),
        ):
            verdict = judged(TEXT, sealed=replace(SEALED, sealer=signed))
            assert names(verdict) == [Name.SEALER_INVALID]

    def test_a_witness_who_did_not_sign(self) -> None:
        payload = SEALED.seal.message.payload
        forged = Signed(WITNESS.card.fingerprint, ROGUE.sign(SEAL, payload))
        other = Signed(ROGUE.card.fingerprint, ROGUE.sign(SEAL, payload))
        for witness in (None, forged, other):
            verdict = judged(TEXT, sealed=replace(SEALED, witness=witness))
            assert names(verdict) == [Name.WITNESS_INVALID]
            assert verdict.witnessing is Witnessing.CLAIMED

    def test_a_witness_whose_card_is_not_at_hand_or_counts_not(self) -> None:
        verdict = judged(TEXT, sealed=SEALED, trust=Trust([SEALER.card]))
        assert verdict.genuine
        assert verdict.witnessing is Witnessing.CLAIMED
        revoked = replace(PACK, revoked_cards=frozenset({WITNESS.card.fingerprint}))
        assert names(judged(TEXT, sealed=SEALED, pack=revoked)) == [Name.WITNESS_INVALID]
        old = manifest(
            closed=datetime(2020, 1, 2, tzinfo=UTC), expires=datetime(2020, 1, 3, tzinfo=UTC)
        )
        sealed = seal_manifest(old, sealer=SEALER, witness=WITNESS)
        then = judged(sealed.seal.text, sealed=sealed, at=old.closed)
        assert names(then) == [Name.KEY_NOT_IN_FORCE, Name.WITNESS_INVALID]


class TestTheLog:
    leaves = (leaf_hash(b"another"), leaf_hash(SEALED.seal.message.encode()))
    logged = replace(SEALED.seal, proof=LogProof(1, 2, inclusion_path(1, leaves))).text

    def test_a_proof_is_checked_against_a_root_of_the_pack(self) -> None:
        proved = judged(self.logged, pack=replace(PACK, roots={2: root(self.leaves)}))
        assert proved.genuine
        assert proved.logging is Logging.PROVED
        for unknown in (PACK, None):
            assert judged(self.logged, pack=unknown).logging is Logging.UNCHECKED

    def test_a_seal_that_the_log_does_not_hold(self) -> None:
        verdict = judged(self.logged, pack=replace(PACK, roots={2: bytes(32)}))
        assert names(verdict) == [Name.LOG_PROOF_INVALID]

    def test_a_seal_with_a_proof_is_the_same_seal(self) -> None:
        assert judged(self.logged, sealed=SEALED).name is Name.SEAL_GENUINE_MANIFEST_MATCHES


class TestTheBag:
    @pytest.mark.parametrize(
        ("typed", "name"),
        [
            (("MX-48213907",), Name.SEAL_NUMBERS_WRONG),
            ((), Name.SEAL_NUMBERS_WRONG),
            (("MX-48213907", "PL0000000"), Name.SEAL_NUMBERS_WRONG),
            (("MX-48213907", "MX-48213907"), Name.SEAL_NUMBERS_WRONG),
            (("MX-48213907", "PL5520418", "PL5520418"), Name.SEAL_NUMBERS_WRONG),
            (("MX-48213970", "PL5520418"), Name.SEAL_NUMBER_NEAR_MISS),
            (("PL5520418", "MX-4821390"), Name.SEAL_NUMBER_NEAR_MISS),
        ],
    )
    def test_wrong_seal_numbers_and_near_misses(self, typed: tuple[str, ...], name: Name) -> None:
        verdict = judged(TEXT, observed=Observed(seals=typed))
        assert names(verdict) == [name]
        assert not verdict.genuine

    def test_swapped_bags_of_one_waybill(self) -> None:
        """The labels are genuine; each hangs on the other's bag."""
        second = manifest(ordinal=2, seal="ab" * 16, seals=("MX-90817263", "PL7712093"))
        texts = (TEXT, seal_manifest(second, sealer=SEALER).seal.text)
        for text, found in zip(texts, (second.seals, SEALS), strict=True):
            assert judged(text, observed=Observed(seals=found)).name is Name.SEAL_NUMBERS_WRONG

    def test_wrong_count_and_weight(self) -> None:
        seen = Observed(seals=SEALS, packages=1, weight_g=7_000)
        verdict = judged(TEXT, observed=seen)
        assert names(verdict) == [Name.BAG_COUNT_WRONG, Name.WEIGHT_OFF]
        assert verdict.word is Word.VERIFY

    def test_the_gravest_finding_names_the_verdict(self) -> None:
        seen = Observed(seals=("MX-00000000",), packages=9, weight_g=1)
        silent = replace(PACK, announced=(), expires=MANIFEST.expires + timedelta(days=1))
        verdict = judged(TEXT, at=MANIFEST.expires, observed=seen, pack=silent)
        assert names(verdict) == [
            Name.SEAL_EXPIRED,
            Name.BAG_UNANNOUNCED,
            Name.SEAL_NUMBERS_WRONG,
            Name.BAG_COUNT_WRONG,
            Name.WEIGHT_OFF,
        ]
        assert verdict.word is Word.REFUSE


def test_two_alike_numbers_are_not_matched_with_one() -> None:
    assert not compare_seals(("AB-1001", "ZZ-9999"), ("AB-1002", "AB-1003")).near
    assert compare_seals(("AB-1001", "AB-1009"), ("AB-1002", "AB-1008")).near


def test_scales_differ_a_little() -> None:
    assert not weight_is_off(8_450, 8_650)
    assert weight_is_off(8_450, 8_651)
    assert not weight_is_off(100_000, 102_000)
    assert weight_is_off(100_000, 97_999)
