"""The organisation is the decree's, and a file that is not an organisation is refused."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service.directory.organisation import (
    Channel,
    OrganisationInvalid,
    Post,
    default_organisation,
    read_organisation,
)
from cipher_service.directory.organisation_book import channels, declare_post, load, units
from cipher_service.directory.register import DirectoryReader, read_directory
from cipher_service.errors import ServiceError
from cipher_service.storage.unit_of_work import reading, unit_of_work

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECREE = {  # article: (unit, {function: headcount}), read from the text by hand
    9: ("Division de la Traduction et de l’Interprétariat", {"CD": 1, "CE": 4, "CEA": 4}),
    10: (
        "Centre d’Analyses Stratégiques, de Prospectives et de crise",
        {"CC": 1, "CE": 4, "CEA": 4},
    ),
    11: ("Cellule de Suivi", {"CC": 1, "CEA": 3}),
    12: ("Cellule des Nouvelles Technologies et de la Cryptographie", {"CC": 1, "CEA": 6}),
    13: ("Sous-Direction du Courrier, du Chiffre et de Liaison", {"SD": 1}),
    14: ("Service du Courrier et de Liaison", {"CS": 1}),
    15: ("Service du Chiffre et de la Valise Diplomatique", {"CS": 1}),
    16: ("Service de la Relance", {"CS": 1}),
}
BUREAUX = {
    14: [
        "Bureau du Courrier Arrivée",
        "Bureau du Courrier Départ",
        "Bureau du Courrier Confidentiel",
        "Bureau de Liaison",
    ],
    15: ["Bureau du Chiffre", "Bureau de la Valise Diplomatique"],
    16: ["Bureau des Requêtes", "Bureau de la Relance"],
}
TOML = """
name_fr = "M"
name_en = "M"
headquarters = "MINREX"
unit = [{ code = "SG", article = 8, kind = "secretariat", name_fr = "SG", name_en = "GS" }]
[[post]]
code = "MINREX"
kind = "headquarters"
name_fr = "M"
name_en = "M"
city = "Yaoundé"
country = "CM"
"""


def test_every_service_of_the_decree_has_its_article_and_its_staff() -> None:
    by_article = {
        unit.article: unit for unit in default_organisation().units if unit.kind != "bureau"
    }
    for article, (name, staff) in DECREE.items():
        unit = by_article[article]
        assert unit.name_fr == name
        assert {line.function: line.headcount for line in unit.staff} == staff


def test_every_bureau_of_the_decree_belongs_to_its_service() -> None:
    organisation = default_organisation()
    for article, names in BUREAUX.items():
        service = next(
            unit.code
            for unit in organisation.units
            if unit.article == article and unit.kind == "service"
        )
        mine = [unit for unit in organisation.units if unit.parent == service]
        assert [unit.name_fr for unit in mine] == names
        assert {unit.kind for unit in mine} == {"bureau"}


def test_the_secretariat_has_the_five_units_of_article_8() -> None:
    attached = [unit.article for unit in default_organisation().units if unit.parent == "SG"]
    assert attached == [9, 10, 11, 12, 13]


def test_loading_twice_is_loading_once(engine: Engine) -> None:
    for _ in range(2):
        with unit_of_work(engine) as connection:
            load(connection, default_organisation(), NOW)
    with reading(engine) as connection:
        assert units(connection) == list(default_organisation().units)
        directory = read_directory(connection)
        assert directory.headquarters == "MINREX"
        assert len(directory.posts) == 13
        assert {post.state for post in directory.posts.values()} == {"absent"}
        assert directory.posts["LIBREVILLE"].channels == ("SATELLITE", "POUCH")


def test_a_changed_file_updates_names_and_removes_units(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        load(connection, default_organisation(), NOW)
        load(connection, read_organisation(TOML.replace('"Yaoundé"', '"Douala"')), NOW)
        assert [unit.code for unit in units(connection)] == ["SG"]
        directory = read_directory(connection)
        assert directory.posts["MINREX"].city == "Douala"
        assert "PARIS" in directory.posts  # dispatches name it for ever


def test_a_post_is_declared_on_its_own(engine: Engine) -> None:
    post = Post("KINSHASA", "embassy", "A", "E", "Kinshasa", "CD", (Channel("INTERNET", "SECRET"),))
    with unit_of_work(engine) as connection:
        declare_post(connection, post, NOW)
        assert channels(connection, "KINSHASA") == [Channel("INTERNET", "SECRET")]
        assert read_directory(connection).post("KINSHASA").country == "CD"


def test_the_copy_in_memory_follows_every_change(engine: Engine) -> None:
    reader = DirectoryReader()
    post = Post("KINSHASA", "embassy", "A", "E", "Kinshasa", "CD")
    with reading(engine) as connection:
        before = reader.current(connection)
        assert reader.current(connection) is before
    with unit_of_work(engine) as connection:
        declare_post(connection, post, NOW)
    with reading(engine) as connection:
        assert "KINSHASA" in reader.current(connection).posts
    with pytest.raises(ServiceError, match="UNKNOWN_POST"):
        before.post("KINSHASA")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('headquarters = "PARIS"', 'headquarters = "MINREX"'),
        ('code = "minrex"', 'code = "MINREX"'),
        ('kind = "castle"', 'kind = "headquarters"'),
        ('country = "Cameroon"', 'country = "CM"'),
        ('city = ""', 'city = "Yaoundé"'),
        ('article = "8"', "article = 8"),
        ('parent = "SX"', 'kind = "secretariat"'),
        ('code = "S G"', 'code = "SG"'),
        ("name_fr = 1", 'name_fr = "M"'),
        ('colour = "red"', 'city = "Yaoundé"'),
        ('channels = [{ medium = "fax", level = "S" }]', ""),
        ('channels = [{ medium = "X", level = "S" }, { medium = "X", level = "S" }]', ""),
        ("[[unit", ""),
    ],
)
def test_a_file_with_a_defect_is_refused(wrong: str, right: str) -> None:
    text = re.sub(re.escape(right), wrong, TOML, count=1) if right else TOML + wrong
    if wrong.startswith("parent"):
        text = TOML.replace(right, f"{right}, {wrong}")
    with pytest.raises(OrganisationInvalid):
        read_organisation(text)


def test_nobody_is_counted_below_one() -> None:
    staff = 'staff = [{ function = "X", name_fr = "X", name_en = "X", headcount = 0 }], article = 8'
    with pytest.raises(OrganisationInvalid, match="headcount"):
        read_organisation(TOML.replace("article = 8", staff))


def test_one_code_is_one_post() -> None:
    again = TOML[TOML.index("[[post]]") :]
    with pytest.raises(OrganisationInvalid, match="twice"):
        read_organisation(TOML + again)


def test_the_decree_in_the_tree_is_utf8_with_its_accents() -> None:
    path = Path("cipher_service/directory/data/minrex.toml")
    assert "Ministère des Relations Extérieures" in path.read_text("utf-8")


@pytest.mark.parametrize("code", ["EXERCICE", "EXERCICE-POSTE"])
def test_no_post_has_a_code_of_exercises(code: str) -> None:
    with pytest.raises(OrganisationInvalid, match="exercises"):
        Post(code, "embassy", "A", "E", "Kinshasa", "CD")
    assert Post("EXERCICES", "embassy", "A", "E", "Kinshasa", "CD").code == "EXERCICES"
