"""Octets in the JSON that pages and the service exchange: base64url without padding."""

from cipher_service.errors import ServiceError
from cipher_service.identity.compact import decode_segment, encode_segment

written = encode_segment


def read(text: str) -> bytes:
    """Return the octets that a page wrote.

    Raises:
        ServiceError: FORM_REFUSED, for every spelling but the canonical one.
    """
    try:
        return decode_segment(text)
    except ValueError as error:
        raise ServiceError("FORM_REFUSED") from error
