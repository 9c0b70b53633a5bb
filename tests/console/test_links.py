"""Links by which officers enrol, given from the command line."""

from cipher_service.administration.stage import Stage
from tests.console.test_signing import sample
from tests.surfaces.administration.running import given, refused

LINK = ("officers", "link")


def test_one_officer_suffices_for_who_has_no_keys_and_two_for_who_has(ministry: Stage) -> None:
    security, general = sample(ministry, "SECURITY-OFFICER"), sample(ministry, "SECRETARY-GENERAL")
    person = ("--name", "Essai", "--grade", "SAE")
    dates = ("--grade-since", "2020-01-01", "--service-since", "2012-05-01")
    number = given(ministry, "officers", "add", *person, *dates, "--by", security)["officer"]
    first, second = (given(ministry, *LINK, number, "--by", security)["link"] for _ in "ab")
    assert first.startswith(f"{ministry.settings.console_origin}/inscription#")
    assert first != second
    auditor = sample(ministry, "AUDITOR")
    refused(ministry, "NOT_ALLOWED", *LINK, auditor, "--by", security)
    refused(ministry, "FOUNDING_OVER", *LINK, auditor)
    given(ministry, *LINK, auditor, "--by", security, "--with", general)
    refused(ministry, "UNKNOWN_OFFICER", *LINK, "OFF-000099", "--by", security)
