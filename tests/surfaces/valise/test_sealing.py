"""`valise example` and `valise seal`: all that a bag needs, in one new folder, or nothing."""

import io
import json
import re
import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from keys.endorsement import read_root_file, root_file, root_fingerprint
from keys.signing import SigningKey
from pouch.papers.bag import grouped_fingerprint
from pouch.reading import read_image
from pouch.sealed import read_sealed
from tests.surfaces.client.offline.posts import Post
from tests.surfaces.valise.bags import draft, sealed, valise


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_example_is_sealed_as_it_is_whoever_seals(yaounde: Post, tmp_path: Path) -> None:
    bag = sealed(tmp_path, yaounde)
    written = {"seal.txt", "seal.png", "manifest.json", "label.pdf", "bordereau.pdf"}
    assert names_in(bag.folder) == written
    held = read_sealed((bag.folder / "manifest.json").read_bytes())
    assert held.seal.text == bag.text
    assert read_image((bag.folder / "seal.png").read_bytes()) == bag.text
    assert held.manifest.waybill.origin == "YAOUNDE"
    for path in (bag.folder, *bag.folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_the_printed_label_carries_the_seal_and_the_secret_lies_inside_only(
    yaounde: Post, tmp_path: Path
) -> None:
    root = root_file(SigningKey.generate().verifying_key)
    kept = yaounde.identity / "ministry.root"
    kept.write_bytes(root + b"\n")
    bag = sealed(tmp_path, yaounde)
    kept.unlink()
    with pypdfium2.PdfDocument(bag.folder / "label.pdf") as document:
        for page in document:
            picture = io.BytesIO()
            page.render(scale=4).to_pil().save(picture, "PNG")
            assert read_image(picture.getvalue()) == bag.text
        outside = "".join(page.get_textpage().get_text_bounded() for page in document)
    with pypdfium2.PdfDocument(bag.folder / "bordereau.pdf") as document:
        inside = "".join(page.get_textpage().get_text_bounded() for page in document)
    held = read_sealed((bag.folder / "manifest.json").read_bytes()).manifest
    shown = grouped_fingerprint(root_fingerprint(read_root_file(root)))
    assert shown in " ".join(inside.split()), "for who takes a telephone into service"
    assert shown not in " ".join(outside.split())
    # Printed in groups, or whole.
    secrets = re.findall(r"(?:[0-9a-f]{4} ?){7}[0-9a-f]{4}", inside)
    hashes = {sha256(bytes.fromhex(each)).hexdigest() for each in secrets}
    assert held.nonce_sha256 in hashes
    assert held.items[0].register in inside
    for private in (held.items[0].register, held.waybill.carrier.name, *secrets):
        assert private not in outside


def test_the_example_comes_by_a_pipe_too(yaounde: Post, tmp_path: Path) -> None:
    shown = valise("example", "--json")
    assert shown.out.isascii()
    out = tmp_path / "sealed"
    done = valise(
        *("seal", "--identity", yaounde.identity, "--manifest", "-", "-o", out, "--json"),
        stdin=shown.out.encode(),
    )
    assert done.status == 0, done.err
    assert done.record["unwitnessed"] is True
    assert done.record["claims"]["issuer"] == "YAOUNDE"
    assert done.record["text"] + "\n" == (out / "seal.txt").read_text("ascii")
    assert set(done.record["files"]) == names_in(out)


def test_two_sealings_of_one_draft_share_nothing(yaounde: Post, tmp_path: Path) -> None:
    """P10: salts are new each time, so that equal contents do not show."""
    path = draft(tmp_path)
    found = []
    for name in ("one", "two"):
        out = tmp_path / name
        valise("seal", "--identity", yaounde.identity, "--manifest", path, "-o", out)
        found.append(read_sealed((out / "manifest.json").read_bytes()))
    one, two = found
    assert one.manifest.seal != two.manifest.seal
    assert one.manifest.bag != two.manifest.bag
    assert one.seal.claims.digest != two.seal.claims.digest
    assert {item.salt for item in one.manifest.items}.isdisjoint(
        item.salt for item in two.manifest.items
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"weight_g": "heavy"}, "DRAFT_MALFORMED"),
        ({"colour": "red"}, "DRAFT_MALFORMED"),
        ({"salt": "AAAA"}, "DRAFT_MALFORMED"),
        ({"items": []}, "DRAFT_MALFORMED"),
        ({"items": [1]}, "DRAFT_MALFORMED"),
        ({"items": None}, "DRAFT_MALFORMED"),
        ({"waybill": None}, "DRAFT_MALFORMED"),
        ({"type": "valise/v1 manifest"}, "DRAFT_OF_OTHER_TYPE"),
        ({"class": "TRES-SECRET", "seals": ["mx-1"]}, "DRAFT_MALFORMED"),
    ],
)
def test_a_wrong_draft_is_named_and_nothing_is_left(
    change: dict[str, Any], code: str, yaounde: Post, tmp_path: Path
) -> None:
    out = tmp_path / "sealed"
    path = draft(tmp_path, change)
    done = valise(
        *("seal", "--identity", yaounde.identity, "--manifest", path, "-o", out, "--json")
    )
    assert done.status == 1
    assert done.record["error"]["code"] == code
    assert names_in(tmp_path) == {"draft.json"}


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"weight_g": "heavy"}, "weight_g"),
        ({"waybill": {}}, "waybill.number"),
        ({"salt": "AAAA"}, "salt"),
        ({"items": [1]}, "items 1"),
        ({"colour": "red"}, "colour"),
        ({"ordinal": 7}, "ordinal"),
    ],
)
def test_a_wrong_draft_names_its_member_in_the_reader_s_language(
    change: dict[str, Any], member: str, yaounde: Post, tmp_path: Path
) -> None:
    path = draft(tmp_path, change)
    asked = ("seal", "--identity", yaounde.identity, "--manifest", path, "-o", tmp_path / "sealed")
    done = valise("--lang", "fr", *asked)
    assert f"« {member} » manque, est de trop" in done.err
    assert not re.search(r"\b(is not|lacks|unknown|which)\b", done.err), "no words of the readers'"


def _waybill(**change: Any) -> dict[str, Any]:
    return {"waybill": {**json.loads(valise("example").out)["waybill"], **change}}


def test_class_and_mode_go_together(yaounde: Post, tmp_path: Path) -> None:
    """R1: a classified bag is accompanied."""
    path = draft(tmp_path, _waybill(mode="freight"))
    done = valise(
        *("seal", "--identity", yaounde.identity, "--manifest", path, "-o", tmp_path / "sealed")
    )
    assert done.status == 1
    assert "MODE_FORBIDDEN" in done.err
    assert not (tmp_path / "sealed").exists()


@pytest.mark.parametrize(
    ("change", "ending"),
    [({"weight_g": 20_001}, 1), ({"weight_g": 20_000}, 0)],
    ids=["above", "at"],
)
def test_a_bag_in_hand_weighs_twenty_kilograms_at_most(
    yaounde: Post, tmp_path: Path, change: dict[str, Any], ending: int
) -> None:
    path = draft(tmp_path, change)
    done = valise(
        *("seal", "--identity", yaounde.identity, "--manifest", path, "-o", tmp_path / "sealed")
    )
    assert done.status == ending, done.err
    assert ("LIMITS_EXCEEDED" in done.err) == bool(ending)
    assert (tmp_path / "sealed").exists() != bool(ending)


def test_no_item_is_above_its_bag(yaounde: Post, tmp_path: Path) -> None:
    path = draft(
        tmp_path, {"class": "DIFFUSION-RESTREINTE"}
    )  # the example holds a confidential one
    done = valise(
        *("seal", "--identity", yaounde.identity, "--manifest", path, "-o", tmp_path / "sealed")
    )
    assert done.status == 1
    assert "LEVEL_ABOVE_BAG" in done.err
    assert not (tmp_path / "sealed").exists()


def test_nobody_seals_for_another_post(yaounde: Post, tmp_path: Path) -> None:
    path = draft(tmp_path, _waybill(origin="LOME"))
    done = valise(
        *("seal", "--identity", yaounde.identity, "--manifest", path, "-o", tmp_path / "sealed"),
        *("--lang", "en"),
    )
    assert done.status == 1
    assert "REFUSED (ORIGIN_NOT_YOURS)" in done.err


def test_one_person_is_not_two(yaounde: Post, tmp_path: Path) -> None:
    done = valise(
        *("seal", "--identity", yaounde.identity, "--witness", yaounde.identity),
        *("--manifest", draft(tmp_path), "-o", tmp_path / "sealed"),
    )
    assert done.status == 1
    assert "WITNESS_IS_SEALER" in done.err


def test_a_folder_that_holds_something_is_left_alone(yaounde: Post, tmp_path: Path) -> None:
    bag = sealed(tmp_path, yaounde)
    before = bag.text
    done = valise(
        *("seal", "--identity", yaounde.identity, "--manifest", draft(tmp_path), "-o", bag.folder)
    )
    assert done.status == 1
    assert "OUTPUT_NOT_EMPTY" in done.err
    assert bag.text == before
    empty = tmp_path / "empty"
    empty.mkdir()
    assert sealed(tmp_path, yaounde, name="empty").text


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        (("seal",), 2, "USAGE"),
        (("nonsense",), 2, "USAGE"),
        (("seal", "--identity", "/nowhere", "--manifest", "/nowhere", "-o", "/nowhere/x"), 3, ""),
        (("verify", "/nowhere"), 3, "FILE_MISSING"),
        (("verify", "--pack", "x", "/nowhere"), 2, "ROOT_MISSING"),
    ],
)
def test_wrong_usage_and_absent_files(given: tuple[str, ...], status: int, code: str) -> None:
    done = valise(*given)
    assert done.status == status
    assert code in done.err
    assert done.err.startswith("valise: ")


def test_not_json_twice_the_same_member_and_too_long(yaounde: Post, tmp_path: Path) -> None:
    for wrong in (b"{", b'{"type": 1, "type": 1}', b"[" * 5000, b"\xff", b" " * 600_000):
        done = valise(
            *("seal", "--identity", yaounde.identity, "--manifest", "-", "-o", tmp_path / "x"),
            stdin=wrong,
        )
        assert done.status == 1
        assert "DRAFT_NOT_JSON" in done.err or "FILE_TOO_LONG" in done.err
    assert names_in(tmp_path) == set()
