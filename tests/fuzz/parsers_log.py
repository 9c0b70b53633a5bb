"""What `keys` reads of a log: notes, proofs, tiles, witnesses, and records drawn from it."""

from functools import partial

from keys import canonical
from keys.lifecycle import TRAFFIC, KeyVersion
from keys.log.checkpoints import Checkpoint
from keys.log.leaves import commit
from keys.log.notes import Ed25519Signer, Note, VerifierKey
from keys.log.proofs import LogProof
from keys.log.tiles import encode_bundle, read_bundle, split_tile
from keys.log.witnesses import Witness, make_witness, read_witness, witness_signer
from keys.merkle import inclusion_path, leaf_hash, root
from keys.rotation_record import Entry, Rotation, draw_record, read_rotation_record
from keys.verifier.month import Month
from tests.fuzz.parsers import Parser, of, of_text
from tests.fuzz.parsers_keys import ORIGIN, PARIS, WEEK
from tests.support.trees import hashes
from tests.vectors.forge import NOW

SIGNER = Ed25519Signer(ORIGIN, bytes(32))


def _log() -> list[Parser]:
    leaves = hashes(7)
    text = Checkpoint(ORIGIN, 7, root(leaves)).encode()
    note = Note(text, (SIGNER.sign(text),))
    proof = LogProof(3, inclusion_path(3, leaves), note).encode()
    cosigner = witness_signer(PARIS.witness_seed(), ORIGIN, "PARIS")
    witness = Witness("PARIS", PARIS.card.fingerprint, cosigner.verifier)
    return [
        of("keys.log.notes:Note.parse", Note.parse, note.encode()),
        of_text("keys.log.notes:VerifierKey.parse", VerifierKey.parse, SIGNER.verifier.encode()),
        of_text("keys.log.checkpoints:Checkpoint.parse", Checkpoint.parse, text),
        of("keys.log.proofs:LogProof.parse", LogProof.parse, proof),
        of("keys.log.tiles:read_bundle", lambda data: read_bundle(data, 3),
           encode_bundle([b"a", b"bc" * 40, b""])),
        of("keys.log.tiles:split_tile", lambda data: split_tile(data, 7), b"".join(leaves)),
        of("keys.verifier.month:Month.parse", Month.parse,
           Month("2026-11", 3, 7, (leaves[0], leaves[1])).encode()),
        of("keys.log.witnesses:read_witness",
           lambda data: read_witness(data, PARIS.card, ORIGIN),
           make_witness(witness, PARIS.sign)),
        of("keys.rotation_record:read_rotation_record",
           partial(read_rotation_record, key=SIGNER.verifier), _rotation_record()),
    ]  # fmt: skip


def _rotation_record() -> bytes:
    """Of desks' keys, in a log whose only entry tells it."""
    versions = [
        KeyVersion("desks/MINREX", number, print_, TRAFFIC, NOW, NOW + WEEK).moved(
            "active", at=NOW, reason="in force"
        )
        for number, print_ in ((1, "aa" * 32), (2, "bb" * 32))
    ]
    rotation = Rotation.of(versions, 2)
    told = canonical.encode(
        {
            "v": 1,
            "type": "depeche/v1 audit",
            "seq": 0,
            "time_us": 1,
            "actor": "account/root",
            "action": "key_rotate",
            "outcome": "done",
            "resource": rotation.key,
            "card": rotation.fingerprint,
            "statement": rotation.digest,
            "ordered_signed": "OFF-000005",
        }
    )
    leaves = [leaf_hash(commit(told, bytes(32)))]
    text = Checkpoint(ORIGIN, 1, root(leaves)).encode()
    proof = LogProof(0, inclusion_path(0, leaves), Note(text, (SIGNER.sign(text),)))
    return draw_record(rotation, [Entry(told, bytes(32), proof)])


PARSERS: tuple[Parser, ...] = tuple(_log())
