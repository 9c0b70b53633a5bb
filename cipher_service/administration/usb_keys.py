"""Security keys on USB, for who signs at this terminal."""

import json
from collections.abc import Callable, Sequence
from getpass import getpass
from typing import Any

from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.ctap import CtapDevice, CtapError
from fido2.hid import CtapHidDevice
from fido2.webauthn import (
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRequestOptions,
    PublicKeyCredentialType,
    UserVerificationRequirement,
)

from cipher_service.administration.officer_keys import Signer
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.identity.compact import encode_segment


class UsbKeys:
    """Security keys on USB, by CTAP 2 (FIDO Alliance).

    Args:
        terminal: where the officer is told what to do.
        devices: gives the keys that are plugged in.
    """

    def __init__(
        self,
        terminal: Terminal,
        devices: Callable[[], Sequence[CtapDevice]] = lambda: list(CtapHidDevice.list_devices()),
    ) -> None:
        self._terminal = terminal
        self._devices = devices

    def __call__(self, signer: Signer, challenge: bytes) -> bytes:
        """Have the first key that knows the officer answer.

        Raises:
            Refused: SECURITY_KEY_ABSENT, SECURITY_KEY_SILENT.
        """
        devices = self._devices()
        if not devices:
            raise Refused("SECURITY_KEY_ABSENT", officer=signer.number)
        asked = PublicKeyCredentialRequestOptions(
            challenge=challenge,
            rp_id=signer.party,
            allow_credentials=[
                PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=name)
                for name in signer.credentials
            ],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        for device in devices:
            client = Fido2Client(
                device, DefaultClientDataCollector(signer.origin), _Prompts(self._terminal)
            )
            try:
                given = client.get_assertion(asked).get_response(0)
            except ClientError as error:
                if error.code == ClientError.ERR.DEVICE_INELIGIBLE:
                    continue
                raise Refused("SECURITY_KEY_SILENT", problem=error.code.name) from error
            except (CtapError, OSError) as error:
                raise Refused("SECURITY_KEY_SILENT", problem=type(error).__name__) from error
            return _json(
                given.raw_id,
                given.response.client_data,
                given.response.authenticator_data,
                given.response.signature,
            )
        raise Refused("SECURITY_KEY_ABSENT", officer=signer.number)


class _Prompts(UserInteraction):
    def __init__(self, terminal: Terminal) -> None:
        self._speaker = Speaker(terminal)

    def prompt_up(self) -> None:
        self._speaker.say("security_key_touch")

    def request_pin(self, permissions: Any, rp_id: str | None) -> str | None:
        del permissions, rp_id
        self._speaker.say("security_key_pin")
        return getpass("")

    def request_uv(self, permissions: Any, rp_id: str | None) -> bool:
        del permissions, rp_id
        return True


def _json(credential: bytes, client_data: bytes, data: bytes, signature: bytes) -> bytes:
    name = encode_segment(credential)
    return json.dumps(
        {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode_segment(client_data),
                "authenticatorData": encode_segment(data),
                "signature": encode_segment(signature),
            },
        }
    ).encode()
