"""How bad a weakness is: words, and base scores that others published for the same vectors."""

import pytest

from cipher_service.administration.severities import of_vector, of_word, score, worst

# The examples of FIRST's own document beside the specification, and the ends of the scale.
PUBLISHED = {
    "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N": (6.4, "medium"),
    "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N": (3.1, "low"),
    "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H": (9.9, "critical"),
    "CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L": (4.2, "medium"),
    "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": (8.8, "high"),
    "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": (6.1, "medium"),
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": (9.8, "critical"),
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H": (10.0, "critical"),
    "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N/E:P/RL:O": (7.4, "high"),
    "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N": (0.0, "low"),
}


@pytest.mark.parametrize("vector", PUBLISHED)
def test_a_vector_has_the_score_that_was_published_for_it(vector: str) -> None:
    assert (score(vector), of_vector(vector)) == PUBLISHED[vector]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7.5",
        "AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:Z",
        "CVSS:3.1/AV:N/AC:L/PR:Z/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/A:N",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\n",
        "CVSS:3.1" + "/AV:N" * 100_000,
    ],
)
def test_what_is_no_whole_vector_of_version_3_has_none(text: str) -> None:
    assert score(text) is None
    assert of_vector(text) is None


def test_words_are_read_in_any_case_and_the_worst_holds() -> None:
    assert [of_word(word) for word in ("CRITICAL", "High", "MODERATE", "medium", "low")] == [
        *("critical", "high", "medium", "medium", "low"),
    ]
    assert of_word("harmless") is None
    assert worst(["low", None, "critical", "high"]) == "critical"
    assert worst([None]) is None
