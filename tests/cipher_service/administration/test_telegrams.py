import json
from pathlib import Path

import pytest

from cipher_service.administration.telegrams import (
    TelegramUnreadable,
    place,
    read_folder,
    shipped,
)
from cipher_service.labels.scheme import default_scheme

POSTS = ("PARIS", "LOME", "WASHINGTON")


def _write(folder: Path, name: str, **members: object) -> None:
    (folder / name).write_text(json.dumps(members), "utf-8")


def test_a_telegram_is_read_with_its_own_words_translated(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "a.json",
        id="a",
        **{"from": "Department of State", "to": ["Embassy in X"], "info": ["Y"]},
        classification="TOP SECRET",
        precedence="NIACT IMMEDIATE",
        body="É",
    )
    [telegram] = read_folder(tmp_path)
    assert (telegram.level, telegram.precedence) == ("TRES-SECRET", "IMMEDIAT")
    assert (telegram.action, telegram.info) == (("Embassy in X",), ("Y",))
    assert telegram.body == "É".encode()
    assert json.loads(telegram.record)["id"] == "a"


def test_a_telegram_may_say_little(tmp_path: Path) -> None:
    _write(tmp_path, "a.json", id="a", body="x", to=None, subject=None, classification=None)
    [telegram] = read_folder(tmp_path)
    assert telegram.origin == "MINREX"
    assert telegram.action == ()
    assert telegram.level == "NON-PROTEGE"
    assert telegram.precedence == "ROUTINE"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"id": 1}', "3", '{"id":1,"body":"x","to":3}']
)
def test_a_file_that_is_no_telegram_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken.json").write_text(content, "utf-8")
    with pytest.raises(TelegramUnreadable, match=r"broken\.json"):
        read_folder(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TelegramUnreadable, match="no"):
        read_folder(tmp_path)


def test_a_correspondent_always_plays_the_same_post() -> None:
    assert place("Embassy in Nigeria", "MINREX", POSTS) in POSTS
    assert place("Embassy in Nigeria", "MINREX", POSTS) == place(
        "Embassy in Nigeria", "MINREX", POSTS
    )
    assert place("Department of State", "MINREX", POSTS) == "MINREX"
    assert place("LOME", "MINREX", POSTS) == "LOME"
    assert place("MINREX", "MINREX", POSTS) == "MINREX"


def test_the_shipped_dispatches_use_the_default_scheme_and_both_languages() -> None:
    scheme = default_scheme()
    telegrams = shipped()
    assert len(telegrams) >= 6
    for telegram in telegrams:
        assert scheme.level(telegram.level).code == telegram.level
        assert scheme.precedence(telegram.precedence).code == telegram.precedence
        for caption in telegram.captions:
            assert scheme.caveat(caption) == caption
        assert telegram.action
    assert any("é".encode() in telegram.body for telegram in telegrams)
    assert any(b" the " in telegram.body for telegram in telegrams)
