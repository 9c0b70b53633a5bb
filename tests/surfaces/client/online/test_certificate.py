"""`chiffre certificate` where nothing before the ministry hands certificates on."""

from tests.surfaces.client.online.conftest import Pair


def test_a_certificate_that_does_not_serve_is_not_kept(enrolled: Pair) -> None:
    refused = enrolled.paris.online("certificate")

    assert refused.status == 1
    assert "CERTIFICATE_NOT_TAKEN" in refused.err
    assert "PROOF_REFUSED" in refused.err
    assert not (enrolled.paris.folder / "certificate.json").exists()
    assert enrolled.paris.online("inbox").status == 0
