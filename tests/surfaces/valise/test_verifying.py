"""`valise verify` and `valise pack`: the named verdicts, offline, at the command line."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cipher_service import clock
from keys.cards import read_card
from keys.endorsement import root_file
from keys.identity import load_identity
from pouch.bordereau import digest
from pouch.locator import locator
from pouch.logged import Logged
from pouch.pack import Announced, Arrival, Pack, RectifiedTo, make_pack
from pouch.sealed import read_sealed, seal_manifest
from pouch.symbol import png
from tests.surfaces.client.offline.posts import Ending, Post
from tests.surfaces.valise.bags import Bag, sealed, state, valise
from tests.vectors.logged_cases import held, record

AZERTY = str.maketrans("0123456789", "à&é\"'(-è_ç")


def verdict_of(bag: Bag, *more: object, stdin: bytes = b"") -> Ending:
    return valise("verify", "--trust", bag.card, "--json", *more, stdin=stdin)


@pytest.fixture
def bag(yaounde: Post, douala: Post, tmp_path: Path) -> Bag:
    """A bag that two persons closed."""
    return sealed(tmp_path, yaounde, "--witness", douala.identity)


def test_a_picture_alone_is_genuine_and_the_bag_unchecked(bag: Bag) -> None:
    done = valise("verify", "--trust", bag.card, bag.folder / "seal.png")
    assert done.status == 0
    assert "SEAL_GENUINE_BAG_UNCHECKED" in done.out
    assert "YAOUNDE > NEWYORK-ONU" in done.out
    for language, weight in (("fr", "8,450 kg"), ("en", "8.450 kg")):
        told = valise("--lang", language, "verify", "--trust", bag.card, bag.folder / "seal.png")
        assert weight in told.out
    record = verdict_of(bag, bag.folder / "seal.png").record
    assert record["verdict"] == "SEAL_GENUINE_BAG_UNCHECKED"
    assert record["witness"] == "claimed"
    assert record["claims"]["seals"] == ["MX-48213907", "PL5520418"]


def test_text_by_file_by_pipe_and_garbled_by_azerty(bag: Bag, tmp_path: Path) -> None:
    garbled = bag.text.translate(AZERTY)
    (tmp_path / "scanned.txt").write_text("\ufeff" + garbled + "\r\n", "utf-8")
    (tmp_path / "old.txt").write_bytes(garbled.encode("cp1252"))
    for given, stdin in (
        (bag.folder / "seal.txt", b""),
        (tmp_path / "scanned.txt", b""),
        (tmp_path / "old.txt", b""),
        ("-", bag.text.encode()),
        ("-", garbled.encode() + b"\n"),
        ("-", png(bag.text)),
    ):
        done = valise("verify", "--trust", bag.card, "--json", given, stdin=stdin)
        assert done.status == 0, done.err
        assert done.record["verdict"] == "SEAL_GENUINE_BAG_UNCHECKED"


def test_a_photograph_of_the_label(bag: Bag, tmp_path: Path) -> None:
    canvas = Image.new("RGB", (1200, 900), (120, 110, 100))
    symbol = Image.open(io.BytesIO(png(bag.text))).convert("RGB").resize((500, 500))
    canvas.paste(symbol, (300, 200))
    photo = canvas.rotate(13, expand=True, fillcolor=(120, 110, 100))
    photo.save(tmp_path / "photo.jpg", quality=80)
    assert verdict_of(bag, tmp_path / "photo.jpg").status == 0


def test_the_manifest_and_the_witness(bag: Bag, douala: Post) -> None:
    card = douala.identity / "DOUALA.card"
    manifest = bag.folder / "manifest.json"
    done = verdict_of(bag, "--trust", card, "--manifest", manifest, bag.folder / "seal.txt")
    assert done.status == 0
    assert done.record["verdict"] == "SEAL_GENUINE_MANIFEST_MATCHES"
    assert done.record["witness"] == "verified"


def test_without_a_second_person_every_verdict_says_unwitnessed(
    yaounde: Post, tmp_path: Path
) -> None:
    alone = sealed(tmp_path, yaounde)
    manifest = alone.folder / "manifest.json"
    for more in ((), ("--manifest", manifest), ("--seal-number", "MX-48213907")):
        done = verdict_of(alone, *more, alone.folder / "seal.png")
        assert done.record["unwitnessed"] is True
    spoken = valise("verify", "--trust", alone.card, "--lang", "en", alone.folder / "seal.png")
    assert "unwitnessed" in spoken.out


def test_the_numbers_read_on_the_bag(bag: Bag) -> None:
    numbers = ("--seal-number", "pl5520418", "--seal-number", "MX-48213907")
    done = verdict_of(bag, *numbers, "--bags", "1", "--weight", "8500", bag.folder / "seal.png")
    assert (done.status, done.record["verdict"]) == (0, "SEAL_GENUINE_BAG_CHECKED")
    for more, verdict in (
        (("--seal-number", "MX-48213907"), "SEAL_NUMBERS_WRONG"),
        ((*numbers[:3], "MX-48213970"), "SEAL_NUMBER_NEAR_MISS"),
        ((*numbers, "--bags", "2"), "BAG_COUNT_WRONG"),
        ((*numbers, "--weight", "7000"), "WEIGHT_OFF"),
    ):
        done = verdict_of(bag, *more, bag.folder / "seal.png")
        assert (done.status, done.record["verdict"]) == (1, verdict)


def test_another_ministrys_key_and_a_torn_label(bag: Bag, lome: Post) -> None:
    card = lome.identity / "LOME.card"
    done = valise("verify", "--trust", card, "--json", bag.folder / "seal.png")
    assert (done.status, done.record["verdict"]) == (1, "KEY_UNKNOWN")
    assert done.record["claims"] is None
    paper = verdict_of(bag, bag.folder / "label.pdf")
    assert (paper.status, paper.record["error"]["code"]) == (1, "PDF_NOT_READ")
    torn = verdict_of(bag, "-", stdin=bag.text[:-3].encode())
    assert (torn.status, torn.record["verdict"]) == (1, "SEAL_DAMAGED")


def test_of_a_seal_that_was_not_believed_nothing_is_told(bag: Bag, lome: Post) -> None:
    card = lome.identity / "LOME.card"
    spoken = valise("verify", "--trust", card, "--lang", "fr", bag.folder / "seal.png").out
    assert "rien de signé" in spoken
    assert "scellé par une seule personne" not in spoken
    known = valise("verify", "--trust", bag.card, "--lang", "fr", bag.folder / "seal.png").out
    assert " UTC\n" in known


def test_an_item_added_after_sealing(bag: Bag, tmp_path: Path) -> None:
    value = json.loads((bag.folder / "manifest.json").read_text("utf-8"))
    items = value["manifest"]["items"]
    items.append({**items[-1], "line": len(items) + 1})
    path = tmp_path / "altered.json"
    path.write_text(json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
    done = verdict_of(bag, "--manifest", path, bag.folder / "seal.png")
    assert (done.status, done.record["verdict"]) == (1, "MANIFEST_DIFFERS")


def test_what_is_no_seal_and_no_sealed_manifest_has_its_own_name(bag: Bag, tmp_path: Path) -> None:
    number = locator("4820193746510293847561")
    (tmp_path / "empty.png").write_bytes(_plain())
    (tmp_path / "locator.png").write_bytes(png(number))
    for more, code in (
        ((tmp_path / "empty.png",), "SYMBOL_NOT_FOUND"),
        ((tmp_path / "locator.png",), "LOCATOR_IS_NO_SEAL"),
        (("--manifest", tmp_path / "draft.json", bag.folder / "seal.png"), "SEALED_MALFORMED"),
    ):
        done = verdict_of(bag, *more)
        assert (done.status, done.record["error"]["code"]) == (1, code)
    broken = verdict_of(bag, "-", stdin=png(bag.text)[:300])
    assert broken.record["error"]["code"] == "IMAGE_UNREADABLE"
    nobody = valise("verify", "--json", bag.folder / "seal.png")
    assert (nobody.status, nobody.record["error"]["code"]) == (2, "TRUST_MISSING")


def _plain() -> bytes:
    file = io.BytesIO()
    Image.new("L", (200, 200), 255).save(file, "PNG")
    return file.getvalue()


class TestExpiry:
    @pytest.mark.parametrize(
        ("days", "verdict"), [(-40, "SEAL_EXPIRED"), (3, "SEAL_NOT_YET_VALID")]
    )
    def test_out_of_its_time(
        self, days: int, verdict: str, bag: Bag, yaounde: Post, tmp_path: Path
    ) -> None:
        held = read_sealed((bag.folder / "manifest.json").read_bytes()).manifest
        moved = replace(
            held,
            closed=held.closed + timedelta(days=days),
            expires=held.closed + timedelta(days=days + 10),
        )
        identity = load_identity(yaounde.identity, lambda: b"")
        (tmp_path / "moved.txt").write_text(seal_manifest(moved, sealer=identity).seal.text)
        done = verdict_of(bag, tmp_path / "moved.txt")
        assert done.status == 1
        assert verdict in [finding["name"] for finding in done.record["findings"]]


def _root_file(root: Post) -> Path:
    """Lay down the root's file of who signs packs here."""
    card = read_card((root.identity / f"{root.code}.card").read_bytes())
    path = root.identity.with_name(f"{root.code}.root")
    path.write_bytes(root_file(card.verifying_key))
    return path


class TestPacks:
    @pytest.fixture
    def root(self, posts: dict[str, Post]) -> Post:
        """Who signs packs."""
        return posts["DOUALA"]

    def _write(self, root: Post, path: Path, bag: Bag | None, **change: Any) -> Path:
        now = clock.now().replace(microsecond=0)
        announced: tuple[Announced, ...] = ()
        if bag is not None:
            announced = self._announced(bag)
        pack = Pack(
            version=3,
            issued=now - timedelta(days=2, hours=1),
            expires=now + timedelta(days=5),
            cards=() if bag is None else (read_card(bag.card.read_bytes()),),
            announced=announced,
            arrivals=(),
            revoked_seals=frozenset(),
            revoked_cards=frozenset(),
            roots={},
        )
        identity = load_identity(root.identity, lambda: b"")
        path.write_bytes(make_pack(replace(pack, **change), sign=identity.sign))
        return path

    def _announced(self, bag: Bag, logged: Logged | None = None) -> tuple[Announced, ...]:
        whole = read_sealed((bag.folder / "manifest.json").read_bytes()).manifest
        told = Announced(
            *(whole.seal, whole.bag, digest(whole).hex(), whole.seals),
            *(whole.waybill.destination, whole.waybill.packages),
            logged=logged,
        )
        return (told,)

    def _verify(self, place: Path, root: Post, pack: Path, bag: Bag, *more: str) -> Ending:
        card = _root_file(root)
        return valise(
            *("verify", "--pack", pack, "--root", card, "--json", *more, bag.folder / "seal.png"),
            env=state(place),
        )

    def test_an_announced_bag_needs_no_other_card(
        self, bag: Bag, root: Post, tmp_path: Path
    ) -> None:
        done = self._verify(tmp_path, root, self._write(root, tmp_path / "pack", bag), bag)
        assert done.status == 0, done.err
        assert done.record["verdict"] == "SEAL_GENUINE_BAG_ANNOUNCED"
        assert done.record["pack"]["version"] == 3
        assert done.record["pack"]["age_seconds"] // 3600 == 49

    def test_a_pack_proves_that_the_log_holds_the_seal(
        self, bag: Bag, root: Post, tmp_path: Path
    ) -> None:
        sealed = read_sealed((bag.folder / "manifest.json").read_bytes())
        digest_of = sha256(sealed.seal.message.encode()).hexdigest()
        logged, top = held(record(resource=digest_of))
        told = self._announced(bag, logged)
        for roots, status, found in (
            ({4: top}, 0, "proved"),
            ({}, 0, "unchecked"),
            ({4: bytes(32)}, 1, "unchecked"),
        ):
            pack = self._write(root, tmp_path / "pack", bag, announced=told, roots=roots)
            done = self._verify(tmp_path, root, pack, bag)
            assert (done.status, done.record["log"]) == (status, found)
        pack = self._write(root, tmp_path / "pack", bag, announced=told, roots={4: top})
        shown = valise(
            *("--lang", "en", "verify", "--pack", pack, "--root", _root_file(root)),
            bag.folder / "seal.png",
            env=state(tmp_path),
        )
        assert "it holds the seal, proved" in shown.out

    def test_a_pack_tells_that_the_bordereau_was_put_right(
        self, bag: Bag, root: Post, tmp_path: Path
    ) -> None:
        weight = read_sealed((bag.folder / "manifest.json").read_bytes()).manifest.weight_g + 5_000
        (told,) = self._announced(bag)
        right = replace(told, rectified=RectifiedTo(2, "a5" * 32, weight))
        for announced, status, found in (
            (told, 1, None),
            (right, 0, {"ordinal": 2, "hash": "a5" * 32, "weight_g": weight}),
        ):
            pack = self._write(root, tmp_path / "pack", bag, announced=(announced,))
            done = self._verify(tmp_path, root, pack, bag, "--weight", str(weight))
            assert (done.status, done.record["rectified"]) == (status, found)
        shown = valise(
            *("--lang", "en", "verify", "--pack", pack, "--root", _root_file(root)),
            bag.folder / "seal.png",
            env=state(tmp_path),
        )
        assert f"rectification no. 2; right weight {weight} g" in shown.out

    def test_clones_revocations_and_silence(self, bag: Bag, root: Post, tmp_path: Path) -> None:
        seal = read_sealed((bag.folder / "manifest.json").read_bytes()).manifest.seal
        arrival = Arrival(seal, "LOME", datetime(2026, 1, 1, tzinfo=UTC))
        for change, verdict in (
            ({"announced": ()}, "BAG_UNANNOUNCED"),
            ({"arrivals": (arrival,)}, "CLONE_SUSPECTED"),
            ({"revoked_seals": frozenset({seal})}, "SEAL_REVOKED"),
        ):
            path = self._write(root, tmp_path / "pack", bag, **change)
            done = self._verify(tmp_path, root, path, bag)
            assert (done.status, done.record["verdict"]) == (1, verdict)

    def test_a_recalled_bag_is_to_be_sent_back(self, bag: Bag, root: Post, tmp_path: Path) -> None:
        held = read_sealed((bag.folder / "manifest.json").read_bytes()).manifest
        recalled = frozenset({held.seal})
        path = self._write(root, tmp_path / "pack", bag, recalled=recalled)
        done = self._verify(tmp_path, root, path, bag)
        assert done.status == 1
        assert (done.record["verdict"], done.record["word"]) == ("BAG_RECALLED", "RETURN")

        card = _root_file(root)
        for language, word in (("fr", "À RENVOYER"), ("en", "SEND BACK")):
            shown = valise(
                *("verify", "--pack", path, "--root", card, "--lang", language),
                bag.folder / "seal.png",
                env=state(tmp_path),
            )
            assert f"{word} (BAG_RECALLED)" in shown.out
        told = valise("pack", "--root", card, "--json", path, env=state(tmp_path))
        assert told.record["recalled"] == [held.seal]
        assert told.record["announced"][0]["expires"] is None
        shown = valise("pack", "--root", card, path, "--lang", "en", env=state(tmp_path))
        assert "Bags recalled" in shown.out

    def test_a_lower_version_is_refused_and_the_age_is_shown(
        self, root: Post, tmp_path: Path
    ) -> None:
        card = _root_file(root)
        new = self._write(root, tmp_path / "new", None)
        old = self._write(root, tmp_path / "old", None, version=2)
        shown = valise("pack", "--root", card, new, env=state(tmp_path))
        assert shown.status == 0, shown.err
        assert "2 jours" in shown.out
        refused = valise("pack", "--root", card, "--json", old, env=state(tmp_path))
        assert (refused.status, refused.record["error"]["code"]) == (1, "PACK_ROLLED_BACK")
        again = valise("pack", "--root", card, "--json", new, env=state(tmp_path))
        assert (again.status, again.record["version"]) == (0, 3)
        # Another memory knows nothing of it.
        other = valise("pack", "--root", card, "--memory", tmp_path / "other", old)
        assert other.status == 0, other.err

    def test_an_expired_pack_says_so(self, bag: Bag, root: Post, tmp_path: Path) -> None:
        ended = clock.now().replace(microsecond=0) - timedelta(days=1)
        path = self._write(root, tmp_path / "pack", bag, announced=(), expires=ended)
        done = self._verify(tmp_path, root, path, bag)
        assert done.record["verdict"] == "SEAL_GENUINE_BAG_UNCHECKED"
        assert done.record["pack"]["expired"] is True
        card = _root_file(root)
        shown = valise("pack", "--root", card, path, "--lang", "en", env=state(tmp_path))
        assert shown.status == 0
        assert "expired" in shown.err

    def test_a_pack_of_another_root_and_a_damaged_memory(
        self, root: Post, lome: Post, tmp_path: Path
    ) -> None:
        path = self._write(root, tmp_path / "pack", None)
        wrong = valise("pack", "--root", _root_file(lome), "--json", path, env=state(tmp_path))
        assert (wrong.status, wrong.record["error"]["code"]) == (1, "PACK_NOT_OF_ROOT")
        card = root.identity / f"{root.code}.card"
        no_root = valise("pack", "--root", card, "--json", path, env=state(tmp_path))
        assert (no_root.status, no_root.record["error"]["code"]) == (1, "ROOT_MALFORMED")
        memory = tmp_path / "memory"
        memory.mkdir()
        card = _root_file(root)
        for content in ("{", "[]", '{"a": true}'):
            (memory / "packs.json").write_text(content)
            done = valise("pack", "--root", card, "--memory", memory, "--json", path)
            assert (done.status, done.record["error"]["code"]) == (1, "MEMORY_DAMAGED")
