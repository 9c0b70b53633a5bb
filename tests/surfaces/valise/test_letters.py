"""`valise letter`: the papers of a journey, for every bag of it or for none."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.papers import text
from tests.surfaces.client.offline.posts import Ending, Post
from tests.surfaces.valise.bags import Bag, draft, sealed, valise

ISSUER = (
    *("--ministry-fr", "Ministère des Relations extérieures"),
    *("--ministry-en", "Ministry of External Relations"),
    *("--place", "Yaoundé", "--signed-by", "ATANGANA Emmanuel", "--function", "Chef de service"),
)
CAPTAIN = {"name": "MBARGA Hélène", "status": "commandant", "passport": None, "vehicle": "QC 301"}


def _bags(place: Path, sealer: Post, count: int, **change: Any) -> list[Bag]:
    """Seal `count` bags that travel together, not classified: a captain takes no others."""
    example = json.loads(draft(place).read_text("utf-8"))
    waybill = {**example["waybill"], "packages": count, **change}
    level = "DIFFUSION-RESTREINTE"
    held = {"class": level, "items": [{**item, "level": level} for item in example["items"]]}
    return [
        sealed(
            place,
            sealer,
            name=f"bag{ordinal}",
            **{"ordinal": ordinal, "waybill": waybill, **held},
        )
        for ordinal in range(1, count + 1)
    ]


def _letter(place: Path, bags: list[Bag], *more: object) -> Ending:
    manifests = [bag.folder / "manifest.json" for bag in bags]
    trust = ("--trust", bags[0].card)
    return valise("letter", *trust, *ISSUER, *more, "-o", place / "letter", *manifests, "--json")


def _code(done: Ending) -> str:
    return str(done.record["error"]["code"])


def test_a_letter_names_every_bag_of_the_journey(yaounde: Post, tmp_path: Path) -> None:
    bags = _bags(tmp_path, yaounde, 2)
    done = _letter(tmp_path, bags[::-1])
    assert done.status == 0, done.err
    assert done.record["packages"] == 2
    assert done.record["files"] == ["count.pdf", "letter.pdf"]
    printed = text((tmp_path / "letter" / "letter.pdf").read_bytes())
    for stated in ("NDONGO Paul", "DP 004417", "1/2 MX-48213907, PL5520418", "2/2", "ATANGANA"):
        assert stated in printed
    assert "Lettre de courrier" in printed
    assert "MX-48213907" not in text((tmp_path / "letter" / "count.pdf").read_bytes())


def test_a_letter_says_what_was_put_right_of_every_bag_alike(yaounde: Post, tmp_path: Path) -> None:
    bags = _bags(tmp_path, yaounde, 2)
    for at, settings in enumerate((("weight=9600", "carrier=A. Autre"), ("carrier=A. Autre",)), 1):
        done = valise(
            *("rectify", "--identity", yaounde.identity, "--number", f"RECT {at}"),
            *("--manifest", bags[at - 1].folder / "manifest.json", "--reason", "Erreur"),
            *("--signed-by", "ATANGANA Emmanuel", "--function", "Chef de service"),
            *(word for each in settings for word in ("--set", each)),
            *("-o", tmp_path / f"right{at}", "--json"),
        )
        assert done.status == 0, done.err
    first, second = (
        ("--rectification", tmp_path / f"right{at}" / "rectification.json") for at in (1, 2)
    )

    alone = _letter(tmp_path, bags, *first)
    assert (alone.status, _code(alone)) == (1, "LETTER_BAGS_INCOMPLETE")
    done = _letter(tmp_path, bags, *second, *first)

    assert done.status == 0, done.err
    printed = text((tmp_path / "letter" / "letter.pdf").read_bytes())
    for stated in ("A. Autre", "9600g"):
        assert "".join(stated.split()) in "".join(printed.split())
    assert "NDONGO Paul" not in printed
    other = tmp_path / "other"
    other.mkdir()
    (stranger,) = _bags(other, yaounde, 1)
    refused = _letter(other, [stranger], *first)
    assert (refused.status, _code(refused)) == (1, "RECTIFICATION_NOT_OF_BAG")
    assert not (other / "letter").exists()


def test_a_captains_letter_names_who_takes_the_bag_over(yaounde: Post, tmp_path: Path) -> None:
    bags = _bags(tmp_path, yaounde, 1, mode="captain", carrier=CAPTAIN)
    unnamed = _letter(tmp_path, bags)
    assert (unnamed.status, _code(unnamed)) == (2, "TAKEN_BY_MISSING")
    done = _letter(tmp_path, bags, "--taken-by", "SALI Oumarou, attaché")
    assert done.status == 0, done.err
    printed = text((tmp_path / "letter" / "letter.pdf").read_bytes())
    assert "Lettre au commandant de bord" in printed
    assert "SALI Oumarou, attaché" in printed


@pytest.mark.parametrize("given", [slice(0, 1), slice(1, 2)])
def test_a_letter_for_a_part_of_the_bags_is_refused(
    yaounde: Post, tmp_path: Path, given: slice
) -> None:
    done = _letter(tmp_path, _bags(tmp_path, yaounde, 2)[given])
    assert (done.status, _code(done)) == (1, "LETTER_BAGS_INCOMPLETE")
    assert not (tmp_path / "letter").exists()


def test_bags_of_two_journeys_have_no_letter_in_common(yaounde: Post, tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("first", "second"))
    for place in (first, second):
        place.mkdir()
    one = _bags(first, yaounde, 2)[0]
    other = _bags(second, yaounde, 2, consignee="Le consul")[1]
    done = _letter(tmp_path, [one, other])
    assert (done.status, _code(done)) == (1, "LETTER_BAGS_INCOMPLETE")


def test_a_freight_bag_has_no_letter(yaounde: Post, tmp_path: Path) -> None:
    done = _letter(tmp_path, _bags(tmp_path, yaounde, 1, mode="freight"))
    assert (done.status, _code(done)) == (1, "LETTER_WITHOUT_COURIER")


def test_a_bag_whose_seal_nobody_trusts_gets_no_letter(
    yaounde: Post, lome: Post, tmp_path: Path
) -> None:
    (bag,) = _bags(tmp_path, yaounde, 1)
    done = _letter(tmp_path, [Bag(bag.folder, lome.card)])
    assert (done.status, _code(done)) == (1, "LETTER_SEAL_REFUSED")
    assert "KEY_UNKNOWN" in done.err + done.out
    assert not (tmp_path / "letter").exists()


def test_a_letter_never_overwrites(yaounde: Post, tmp_path: Path) -> None:
    bags = _bags(tmp_path, yaounde, 1)
    assert _letter(tmp_path, bags).status == 0
    before = (tmp_path / "letter" / "letter.pdf").read_bytes()
    again = _letter(tmp_path, bags)
    assert (again.status, _code(again)) == (1, "OUTPUT_NOT_EMPTY")
    assert (tmp_path / "letter" / "letter.pdf").read_bytes() == before
