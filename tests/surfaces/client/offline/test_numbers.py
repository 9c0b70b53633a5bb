"""Numbers have no gaps and no doubles, and a missing one is noticed by the receiver."""

import shutil
import subprocess
from pathlib import Path

from tests.surfaces.client.offline.posts import CHIFFRE, Post, chiffre, environment


def numbers(post: Post) -> list[tuple[int, str]]:
    """The numbers that a post gave to its only addressee, with their states."""
    (sent,) = post.series()["sent"]
    return [(each["number"], each["status"]) for each in sent["numbers"]]


def test_each_addressee_has_a_series_of_its_own(
    lome: Post, paris: Post, accra: Post, tmp_path: Path
) -> None:
    assert lome.encipher(paris, out=tmp_path / "1.age").status == 0
    assert lome.encipher(paris, accra, out=tmp_path / "2.age").status == 0

    sent = {each["addressee"]: each["last"] for each in lome.series()["sent"]}
    assert sent == {"PARIS": 2, "ACCRA": 1}


def test_a_missing_number_is_told_until_it_arrives(lome: Post, paris: Post, tmp_path: Path) -> None:
    for number in range(1, 5):
        lome.encipher(paris, out=tmp_path / f"{number}.age")

    def read(number: int) -> tuple[list[int], str]:
        out = tmp_path / f"out-{number}"
        ending = paris.decipher(tmp_path / f"{number}.age", lome, out=out, options=["--json"])
        assert ending.status == 0, ending.err
        return ending.record["missing_numbers"], ending.err

    assert read(4)[0] == [1, 2, 3]
    missing, told = read(2)
    assert missing == [1, 3]
    assert "1, 3" in told
    assert "LOME" in told
    assert paris.series()["received"][0]["missing"] == [
        {"first": 1, "last": 1},
        {"first": 3, "last": 3},
    ]
    assert read(1)[0] == [3]
    assert read(3) == ([], "")


def test_a_dispatch_names_the_one_before_it_in_its_series(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    hashes = []
    for number in range(1, 3):
        options = ("--json",)
        ending = lome.encipher(paris, out=tmp_path / f"{number}.age", options=options)
        hashes.append(ending.record["manifest_hash"])

    assert len(set(hashes)) == 2
    assert numbers(lome) == [(1, "issued"), (2, "issued")]


def test_what_is_refused_before_enciphering_takes_no_number(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    missing = ("--attach", tmp_path / "absent")
    assert lome.encipher(paris, out=tmp_path / "d.age", options=missing).status == 3
    assert lome.encipher(paris, out=tmp_path / "no" / "d.age").status == 3
    assert lome.encipher(paris, lome, out=tmp_path / "d.age").status == 2
    assert lome.encipher(paris, paris, out=tmp_path / "d.age").status == 2
    assert lome.series()["sent"] == []


def test_commands_at_the_same_time_get_distinct_numbers(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"Bonjour.\n" * 100_000)
    commands = [
        subprocess.Popen(
            [
                *(*CHIFFRE, "encipher", "--identity", lome.identity, "--to", paris.card),
                *("--level", "SECRET", "-o", tmp_path / f"{number}.age", text),
            ],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for number in range(5)
    ]
    for command in commands:
        _, told = command.communicate(timeout=120)
        assert command.returncode == 0, told

    assert numbers(lome) == [(number, "issued") for number in range(1, 6)]
    for number in range(5):
        out = tmp_path / f"out-{number}"
        assert paris.decipher(tmp_path / f"{number}.age", lome, out=out).status == 0
    (received,) = paris.series()["received"]
    assert (received["received"], received["missing"]) == (5, [])


def test_the_same_dispatch_opened_twice_at_once_is_recorded_once(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    lome.encipher(paris, out=tmp_path / "d.age")
    commands = [
        subprocess.Popen(
            [
                *(*CHIFFRE, "decipher", "--identity", paris.identity, "--from", lome.card),
                *("-o", tmp_path / f"out-{number}", tmp_path / "d.age"),
            ],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for number in range(4)
    ]
    told = [command.communicate(timeout=120)[1].decode() for command in commands]

    assert [command.returncode for command in commands] == [0] * 4
    assert sum("déjà été ouverte" in each for each in told) == 3
    (received,) = paris.series()["received"]
    assert received["received"] == 1


def test_the_series_in_words(lome: Post, paris: Post, tmp_path: Path) -> None:
    empty = chiffre("--lang", "en", "series", "--identity", lome.identity)
    assert "none" in empty.out
    lome.encipher(paris, out=tmp_path / "d.age")
    told = chiffre("series", "--identity", lome.identity)
    assert "vers PARIS" in told.out
    assert "dernier 1" in told.out


def test_a_new_edition_of_a_post_opens_a_series_of_its_own(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    """Its folder is new and knows no numbers: giving 1 again would be a double."""
    lome.encipher(paris, out=tmp_path / "old.age")
    made = chiffre(
        "identity",
        *("new", "--post", "LOME", "--out", tmp_path / "second", "--no-passphrase"),
        *("--previous", lome.card),
    )
    assert made.status == 0, made.err
    second = Post("LOME", tmp_path / "second")
    second.encipher(paris, out=tmp_path / "new.age")

    for name in ("old", "new"):
        out = tmp_path / f"out-{name}"
        ending = paris.decipher(tmp_path / f"{name}.age", lome, second, out=out)
        assert ending.status == 0, ending.err
    epochs = [each["epoch"] % 100 for each in paris.series()["received"]]
    assert epochs == [0, 1]


def test_a_folder_put_back_from_a_backup_counts_in_a_series_that_nobody_knows(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    """What it sent after the backup is not numbered again; without the command it would be."""
    backup = tmp_path / "backup"
    shutil.copytree(lome.identity, backup)
    assert lome.encipher(paris, out=tmp_path / "before.age").status == 0
    assert paris.decipher(tmp_path / "before.age", lome, out=tmp_path / "out").status == 0
    shutil.rmtree(lome.identity)
    shutil.copytree(backup, lome.identity)

    assert lome.encipher(paris, out=tmp_path / "double.age").status == 0
    refused = paris.decipher(tmp_path / "double.age", lome, out=tmp_path / "double")
    assert (refused.status, "NUMBER_REUSED" in refused.err) == (1, True)

    restored = ("identity", "restored", "--identity", lome.identity)
    told = chiffre(*restored)
    assert (told.status, "sauvegarde" in told.err) == (0, True), told.err
    (first,) = [int(word.strip(",")) for word in told.out.split() if word.strip(",").isdigit()][:1]
    assert first % 100 >= 39
    for name in ("one", "two"):
        assert lome.encipher(paris, out=tmp_path / f"{name}.age").status == 0
        out = tmp_path / f"out-{name}"
        assert paris.decipher(tmp_path / f"{name}.age", lome, out=out).status == 0
    new = paris.series()["received"][-1]
    assert (new["epoch"], new["received"], new["missing"]) == (first, 2, [])

    assert chiffre(*restored, "--json").record == {"epoch": first + 1}
    year = first // 100 * 100
    assert "EPOCH_OF_ANOTHER_YEAR" in chiffre(*restored, "--after", year - 1).err
    assert chiffre(*restored, "--after", year + 98, "--json").record == {"epoch": year + 99}
    exhausted = chiffre(*restored)
    assert (exhausted.status, "INCARNATIONS_EXHAUSTED" in exhausted.err) == (1, True)


def test_ids_of_one_second_stand_in_the_order_of_their_drafting(
    lome: Post, paris: Post, tmp_path: Path
) -> None:
    sent = [
        lome.encipher(paris, out=tmp_path / f"{each}.age", options="--json") for each in range(6)
    ]
    ids = [each.record["id"] for each in sent]

    assert ids == sorted(ids)
