"""What the pouch bureau's commands refuse of what is typed, in the words of who reads it."""

from pathlib import Path

from cipher_service.administration import command
from cipher_service.administration.stage import Stage
from tests.support.languages import english_in
from tests.surfaces.administration.test_pouch import (
    CHECKED,
    Typed,
    done,
    made_up,
    people,
    ready,
    typed,
)

__all__ = ["people", "typed"]


def test_a_wrong_entry_is_named_in_french_and_nothing_of_the_readers_words_shows(
    ministry: Stage, typed: Typed, people: dict[str, str], tmp_path: Path
) -> None:
    what = ready(typed, people)
    seal = made_up(typed, people, what)
    by = ("--by", people["chief"])
    pair = (*by, "--with", people["second"])

    def refused(code: str, told: str, *words: str) -> None:
        status, _, said = typed(*words)
        assert status in (1, 2), said
        assert f"({code})" in said
        assert told in said
        assert english_in(said, details=True) == []

    piece = {"register": "2026/000412", "sender": "DNU", "addressee": "Chancellerie"}
    for member, value, told in (
        ("register", "minuscule", "la cote de la pièce"),
        ("sender", "x" * 121, "l'expéditeur"),
        ("addressee", "", "le destinataire de la pièce"),
        ("weight", "2000001", "le poids"),
        ("quantity", "0", "la quantité"),
        ("enclosure", "?", "enveloppe intérieure"),
    ):
        options = {**piece, "weight": "240", member: value}
        flags = [part for name, each in options.items() for part in (f"--{name}", each)]
        asked = ("pouch", "hand-in", "--to", "paris", "--level", "secret", *flags, *by)
        refused("PIECE_MALFORMED", told, *asked)
    waybill = {
        "number": "LC 1", "consignee": "Chancellerie", "carrier": "N", "status": "S",
        "passport": "DP 1", "packages": "1",
    }  # fmt: skip
    departures = done(typed, "pouch", "departures", *by)
    open_one = next(
        line["departure"] for line in departures if line["open"] and not line["sealed"]
        and line["departure"] != what["departure"]
    )  # fmt: skip
    for member, value, told in (
        ("number", "lettre", "le numéro de la lettre de courrier"),
        ("consignee", "", "le destinataire"),
        ("carrier", "x" * 121, "le nom du porteur"),
        ("status", "deux\nlignes", "la qualité du porteur"),
        ("passport", "?", "le numéro de passeport"),
        ("packages", "100", "le nombre de colis"),
    ):
        flags = [part for name, each in {**waybill, member: value}.items()
                 for part in (f"--{name}", each)]  # fmt: skip
        asked = ("pouch", "waybill", open_one, *flags, "--courier", people["courier"], *by)
        refused("WAYBILL_MALFORMED", told, *asked)
    sealing = ("pouch", "seal", seal, "--seal-number", what["seals"][0], *CHECKED, *pair)
    out = ("-o", str(tmp_path / "sac"))
    refused("MANIFEST_IMPOSSIBLE", "le poids", *sealing, "--weight", "0", *out)
    refused("MANIFEST_IMPOSSIBLE", "la fin de validité", *sealing, "--weight", "9", "--days", "46",
            *out)  # fmt: skip
    assert not (tmp_path / "sac").exists()
    data = str(ministry.settings.data)
    asked = ("--lang", "en", "--data", data, *sealing, "--weight", "0", *out)
    assert command.main(list(asked)) == 1
