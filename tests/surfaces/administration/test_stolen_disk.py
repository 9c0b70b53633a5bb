"""Whoever takes the disk without the credential has no key."""

from base64 import b64encode

from cipher_service.administration.stage import Stage
from keys.custody import read_credential
from keys.custody.store import open_store


def test_a_stolen_disk_without_the_credential_opens_no_key(ministry: Stage) -> None:
    """All files of the folder but the credential, whose place is elsewhere in production."""
    settings = ministry.settings
    credential = read_credential(settings.custodian_credential)
    custody = open_store(settings.custodian_store, credential)
    bureau, service = custody.bureau, custody.service
    seeds = [bureau.hybrid.seed, service.log.ed25519_seed, service.log.mldsa44_seed]
    for key in (bureau.signing, bureau.root, service.receipts, service.certifying):
        seeds += [key.ed25519_seed, key.mldsa65_seed]
    planted = [*seeds, credential]
    forms = [
        form
        for secret in planted
        for form in (secret, secret.hex().encode(), b64encode(secret).rstrip(b"="))
    ]
    contents = {path: path.read_bytes() for path in settings.data.rglob("*") if path.is_file()}
    holding = {path for path, content in contents.items() if any(one in content for one in forms)}
    assert holding == {settings.custodian_credential}
