"""`valise rectify`: words and weights put right after sealing, seen by whoever verifies the bag."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.papers import text
from tests.surfaces.client.offline.posts import Ending, Post
from tests.surfaces.valise.bags import Bag, sealed, valise

SAID = (
    *("--number", "RECT 2026-0004", "--reason", "Erreur de transcription"),
    *("--signed-by", "MBARGA Jeanne", "--function", "Chef du Bureau de la Valise"),
)


@pytest.fixture(scope="module")
def bag(posts: dict[str, Post], tmp_path_factory: pytest.TempPathFactory) -> Bag:
    """A bag that two persons closed."""
    place = tmp_path_factory.mktemp("bag")
    return sealed(place, posts["YAOUNDE"], "--witness", posts["DOUALA"].identity)


@pytest.fixture
def desk(bag: Bag, yaounde: Post, douala: Post, tmp_path: Path) -> "Desk":
    return Desk(bag, yaounde, douala, tmp_path)


class Desk:
    """The two who closed the bag, and whoever receives it."""

    def __init__(self, bag: Bag, sealer: Post, witness: Post, place: Path) -> None:
        self.bag, self.sealer, self.witness, self.place = bag, sealer, witness, place

    def rectify(self, *settings: str, name: str = "right", more: tuple[object, ...] = ()) -> Ending:
        """Rectify by both; `more` comes last."""
        named = [word for setting in settings for word in ("--set", setting)]
        return valise(
            *("rectify", "--identity", self.sealer.identity, "--witness", self.witness.identity),
            *("--manifest", self.bag.folder / "manifest.json", *SAID, *named),
            *("-o", self.place / name, "--json", *more),
        )

    def verify(self, *names: str, more: tuple[object, ...] = ()) -> Ending:
        """Verify the bag with its manifest and rectifications."""
        files = [
            word
            for name in names
            for word in ("--rectification", self.place / name / "rectification.json")
        ]
        return valise(
            *("verify", "--trust", self.bag.card, "--trust", self.witness.card, "--json"),
            *("--manifest", self.bag.folder / "manifest.json", *files, *more),
            self.bag.folder / "seal.txt",
        )


def code(done: Ending) -> tuple[int, str]:
    return done.status, str(done.record["error"]["code"])


def test_what_was_put_right_stands_in_the_verdict_and_on_its_paper(desk: Desk) -> None:
    untouched = (desk.bag.folder / "manifest.json").read_bytes()
    done = desk.rectify("2.addressee=Consulat, Marseille", "weight=12345", "vehicle=")
    assert done.status == 0, done.err
    assert done.record["files"] == ["rectification.json", "rectification.pdf"]
    printed = text((desk.place / "right" / "rectification.pdf").read_bytes())
    for stated in (
        "RECT 2026-0004",
        "Consulat, Marseille",
        "12,345",
        "MBARGA Jeanne",
        "CONFIDENTIEL",
    ):
        assert stated in printed.replace("\u00a0", " ")
    told = desk.verify("right").record
    assert told["verdict"] == "SEAL_GENUINE_MANIFEST_MATCHES"
    (put_right,) = told["rectifications"]
    assert put_right["unwitnessed"] is False
    assert [(each["line"], each["what"], each["now"]) for each in put_right["changes"]] == [
        (2, "addressee", "Consulat, Marseille"),
        (None, "weight", 12_345),
        (None, "vehicle", None),
    ]
    assert told["claims"]["weight_g"] != 12_345
    assert desk.verify().record["rectifications"] == []
    assert (desk.bag.folder / "manifest.json").read_bytes() == untouched


def test_the_bag_is_weighed_against_the_weight_that_was_put_right(desk: Desk) -> None:
    assert desk.rectify("weight=12345").status == 0
    for weight, names, verdict in (
        ("12345", ("right",), "SEAL_GENUINE_MANIFEST_MATCHES"),
        ("12345", (), "WEIGHT_OFF"),
        ("8450", ("right",), "WEIGHT_OFF"),
    ):
        assert desk.verify(*names, more=("--weight", weight)).record["verdict"] == verdict


def test_a_person_reads_each_change_in_words(desk: Desk) -> None:
    assert desk.rectify("1.sender=Le Cabinet", "vehicle=").status == 0
    spoken = valise(
        *("verify", "--trust", desk.bag.card, "--trust", desk.witness.card),
        *("--manifest", desk.bag.folder / "manifest.json", "--lang", "en"),
        *("--rectification", desk.place / "right" / "rectification.json"),
        desk.bag.folder / "seal.txt",
    )
    assert "RECT 2026-0004" in spoken.out
    assert "line 1, sender, " in spoken.out
    assert "→ Le Cabinet" in spoken.out
    assert "bag, flight or vehicle, " in spoken.out
    assert "→ -" in spoken.out


def test_a_second_one_follows_the_first_and_none_is_left_out(desk: Desk) -> None:
    assert desk.rectify("weight=12345", name="first").status == 0
    first = desk.place / "first" / "rectification.json"
    then = desk.rectify("weight=12346", name="second", more=("--rectification", first))
    assert then.record["ordinal"] == 2
    both = desk.verify("second", "first").record["rectifications"]
    assert [each["changes"][0]["was"] for each in both] == [8450, 12_345]
    assert code(desk.verify("second")) == (1, "RECTIFICATION_GAP")
    assert code(desk.verify("first", "first")) == (1, "RECTIFICATION_GAP")


@pytest.mark.parametrize(
    ("setting", "refused"),
    [
        ("3.quantity=2", (2, "RECTIFY_SET_WRONG")),
        ("class=CONFIDENTIEL", (2, "RECTIFY_SET_WRONG")),
        ("consignee", (2, "RECTIFY_SET_WRONG")),
        ("x.sender=A", (2, "RECTIFY_SET_WRONG")),
        ("weight=9,45", (2, "RECTIFY_SET_WRONG")),
        ("weight=99999999999999999999", (2, "RECTIFY_SET_WRONG")),
        ("weight=0", (2, "RECTIFY_NOT_SO")),
        ("weight=8450", (2, "RECTIFY_NOT_SO")),
        ("consignee=", (2, "RECTIFY_NOT_SO")),
        ("passport=dp 1", (2, "RECTIFY_NOT_SO")),
        ("499.sender=A", (1, "RECTIFICATION_NOT_OF_BAG")),
        ("0.sender=A", (1, "RECTIFICATION_NOT_OF_BAG")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nothing_is_written_for_what_cannot_be_put_right(
    desk: Desk, setting: str, refused: Any
) -> None:
    assert code(desk.rectify(setting)) == refused
    assert not (desk.place / "right").exists()


def test_one_of_two_a_stranger_and_a_second_bag_change_nothing(
    desk: Desk, lome: Post, tmp_path: Path
) -> None:
    alone = valise(
        *("rectify", "--identity", desk.sealer.identity, "--json", *SAID, "--set", "weight=12345"),
        *("--manifest", desk.bag.folder / "manifest.json", "--trust", desk.witness.card),
        *("-o", tmp_path / "alone"),
    )
    assert code(alone) == (1, "RECTIFICATION_UNWITNESSED")
    stranger = Desk(desk.bag, lome, desk.witness, tmp_path)
    assert code(stranger.rectify("weight=12345", name="theirs")) == (1, "ORIGIN_NOT_YOURS")
    assert not (tmp_path / "alone").exists()
    assert not (tmp_path / "theirs").exists()
    assert desk.rectify("weight=12345").status == 0
    assert code(desk.rectify("weight=12345")) == (1, "OUTPUT_NOT_EMPTY")
    untrusted = valise(
        *("verify", "--trust", desk.bag.card, "--json"),
        *("--manifest", desk.bag.folder / "manifest.json"),
        *("--rectification", tmp_path / "right" / "rectification.json"),
        desk.bag.folder / "seal.txt",
    )
    assert code(untrusted) == (1, "RECTIFICATION_NOT_TRUSTED")
    other = sealed(tmp_path, desk.sealer, "--witness", desk.witness.identity)
    elsewhere = Desk(other, desk.sealer, desk.witness, tmp_path)
    assert code(elsewhere.verify("right")) == (1, "RECTIFICATION_NOT_OF_BAG")
    bare = ("--rectification", tmp_path / "right" / "rectification.json", other.folder / "seal.txt")
    lonely = valise("verify", "--trust", other.card, "--json", *bare)
    assert code(lonely) == (2, "RECTIFICATION_WITHOUT_MANIFEST")


def test_an_item_added_after_sealing_stays_a_breach(desk: Desk, tmp_path: Path) -> None:
    assert desk.rectify("weight=12345").status == 0
    value = json.loads((desk.bag.folder / "manifest.json").read_text("utf-8"))
    items = value["manifest"]["items"]
    items.append({**items[-1], "line": len(items) + 1})
    path = tmp_path / "altered.json"
    path.write_text(json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
    seal = desk.bag.folder / "seal.txt"
    right = tmp_path / "right" / "rectification.json"
    for more, refused in (
        ((), "MANIFEST_DIFFERS"),
        (("--rectification", right), "RECTIFICATION_NOT_OF_BAG"),
    ):
        done = valise(
            *("verify", "--trust", desk.bag.card, "--trust", desk.witness.card, "--json"),
            *("--manifest", path, *more, seal),
        )
        told = done.record
        assert (done.status, told.get("verdict") or told["error"]["code"]) == (1, refused)
    renewed = valise(
        *("rectify", "--identity", desk.sealer.identity, "--witness", desk.witness.identity),
        *("--manifest", path, *SAID, "--set", "weight=12345", "-o", tmp_path / "no", "--json"),
    )
    assert code(renewed) == (1, "RECTIFY_SEAL_REFUSED")
