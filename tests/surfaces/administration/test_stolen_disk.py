"""Whoever takes the disk without the credential has no key."""

from cipher_service.administration.stage import Stage
from keys.custody import read_credential
from keys.custody.store import open_store


def test_a_stolen_disk_without_the_credential_opens_no_key(ministry: Stage) -> None:
    """All files of the folder but the credential, whose place is elsewhere in production."""
    settings = ministry.settings
    custody = open_store(settings.custodian_store, read_credential(settings.custodian_credential))
    secrets = (custody.bureau.hybrid.seed, custody.service.receipts.ed25519_seed)
    for path in settings.data.rglob("*"):
        if path.is_file() and path != settings.custodian_credential:
            content = path.read_bytes()
            assert not any(
                secret in content or secret.hex().encode() in content for secret in secrets
            )
