"""Names inside a dispatch: what people call their files, made safe on every disk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.names import MESSAGE, attachment_name, check_part_names, given_name


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("note.pdf", "note.pdf"),
        ("Note verbale n° 12.pdf", "Note verbale n° 12.pdf"),
        ("cafe\u0301.txt", "café.txt"),
        ("../../etc/passwd", "_._etc_passwd"),
        ('a\\b:c*d?e"f<g>h|i', "a_b_c_d_e_f_g_h_i"),
        ("photo\u202egpj.exe", "photo_gpj.exe"),
        ("a\x1b\n\x7fb", "a___b"),
        ("  .caché. ", "caché"),
        ("", "file"),
        ("...", "file"),
        ("é" * 60 + ".pdf", "é" * 40 + ".pdf"),
        ("x" * 200, "x" * 84),
        ("x" * 83 + " y.long-suffix-that-is-no-suffix", "x" * 83),
        ("\ud800.txt", "_.txt"),
    ],
)
def test_a_name_is_made_portable(name: str, inside: str) -> None:
    assert attachment_name(7, name) == f"attachments/007-{inside}"


@given(st.text(max_size=120))
def test_whatever_the_name_the_reader_accepts_what_the_writer_makes(name: str) -> None:
    made = attachment_name(1, name)
    assert len(made.encode()) <= 100
    check_part_names([MESSAGE, made])
    assert attachment_name(1, given_name(made)) == made


def test_the_message_has_no_given_name() -> None:
    with pytest.raises(ValueError):
        given_name(MESSAGE)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["attachments/001-x"],
        ["message.txt", "message.txt"],
        ["message.txt", "attachments/001-x", "attachments/001-y"],
        ["message.txt", "attachments/1-x"],
        ["message.txt", "attachments/001-"],
        ["message.txt", "attachments/001-a/b"],
        ["message.txt", "attachments/001-\ud800"],
    ],
)
def test_other_names_are_refused(names: list[str]) -> None:
    with pytest.raises(ValueError):
        check_part_names(names)
