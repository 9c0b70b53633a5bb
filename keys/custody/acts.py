"""The acts as they pass the socket: which arguments each takes, and how its answer is written.

Both ends read this one table. What is not in it cannot be asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from keys.cards import Card, read_card
from keys.custody.compartment import CustodyState
from keys.custody.desk import SealSignatures
from keys.custody.errors import CustodianFault, RequestMalformed
from keys.errors import KeysError
from keys.log.succession import LogVerifiers
from keys.signing import Signatures, VerifyingKey

if TYPE_CHECKING:
    from keys.custody.core import Custody


@dataclass(frozen=True)
class Act:
    """One act.

    Attributes:
        arguments: their names in the order of the method's parameters; all are bytes.
        write: makes the answer's members, all bytes, from what the method gives.
        read: the reverse, at the caller's end.
    """

    arguments: tuple[str, ...]
    write: Callable[[Any], dict[str, bytes]]
    read: Callable[[dict[str, bytes]], Any]


def _write_bytes(value: bytes) -> dict[str, bytes]:
    return {"bytes": value}


def _read_bytes(members: dict[str, bytes]) -> bytes:
    return members["bytes"]


def _write_pair(value: Signatures | VerifyingKey) -> dict[str, bytes]:
    return {"ed25519": value.ed25519, "mldsa65": value.mldsa65}


def _write_signatures(value: Signatures) -> dict[str, bytes]:
    third = {"mldsa87": value.mldsa87} if value.mldsa87 else {}
    return {**_write_pair(value), **third}


def _read_signatures(members: dict[str, bytes]) -> Signatures:
    return Signatures(members["ed25519"], members["mldsa65"], members.get("mldsa87", b""))


def _read_key(members: dict[str, bytes]) -> VerifyingKey:
    return VerifyingKey(members["ed25519"], members["mldsa65"])


def _write_seal(value: SealSignatures) -> dict[str, bytes]:
    return {"cose": value.cose, **_write_pair(value.full)}


def _read_seal(members: dict[str, bytes]) -> SealSignatures:
    return SealSignatures(members["cose"], _read_signatures(members))


def _write_log_keys(value: LogVerifiers) -> dict[str, bytes]:
    return {"ed25519": value.ed25519, "mldsa44": value.mldsa44}


def _read_log_keys(members: dict[str, bytes]) -> LogVerifiers:
    return LogVerifiers(members["ed25519"], members["mldsa44"])


def _write_card(value: Card) -> dict[str, bytes]:
    return {"bytes": value.to_bytes()}


def _read_card(members: dict[str, bytes]) -> Card:
    return _card(members["bytes"])


@lru_cache(maxsize=4)
def _card(data: bytes) -> Card:
    """Its own two signatures are verified once: it is asked for with each dispatch."""
    return read_card(data)


def _write_state(value: CustodyState) -> dict[str, bytes]:
    return {"bytes": value.to_bytes()}


def _read_state(members: dict[str, bytes]) -> CustodyState:
    return CustodyState.parse(members["bytes"])


def _write_nothing(value: None) -> dict[str, bytes]:
    del value
    return {}


def _read_nothing(members: dict[str, bytes]) -> None:
    if members:
        raise ValueError("an answer without members")


def _signing(*arguments: str) -> Act:
    return Act(arguments, _write_signatures, _read_signatures)


ACTS: Final = {
    "state": Act((), _write_state, _read_state),
    "seal": Act((), _write_nothing, _read_nothing),
    "offer_share": Act(("share",), _write_state, _read_state),
    "card": Act((), _write_card, _read_card),
    "service_key": Act((), _write_pair, _read_key),
    "certifying_key": Act((), _write_pair, _read_key),
    "successions": Act((), _write_bytes, _read_bytes),
    "log_keys": Act((), _write_log_keys, _read_log_keys),
    "log_successions": Act((), _write_bytes, _read_bytes),
    "log_head": Act((), _write_bytes, _read_bytes),
    "sign_checkpoint": Act(("checkpoint", "path", "published"), _write_bytes, _read_bytes),
    "sign_manifest": _signing("manifest", "warrant"),
    "complement": Act((), _write_bytes, _read_bytes),
    "sign_slip": Act(("slip", "warrant"), _write_bytes, _read_bytes),
    "sign_post_receipt": _signing("statement"),
    "sign_service_message": _signing("statement", "warrant"),
    "sign_rerouting": _signing("addendum", "warrant"),
    "root_introduction": Act((), _write_bytes, _read_bytes),
    "endorse_card": Act(("card", "warrant"), _write_bytes, _read_bytes),
    "sign_receipts": _signing("root_statement"),
    "certify_token_key": _signing("statement"),
    "client_authority": Act((), _write_bytes, _read_bytes),
    "client_authorities": Act((), _write_bytes, _read_bytes),
    "certify_client_key": Act(("statement",), _write_bytes, _read_bytes),
    "open_file_key": Act(("header", "prefix", "warrant"), _write_bytes, _read_bytes),
    "rewrap_header": Act(("header", "prefix", "recipient", "warrant"), _write_bytes, _read_bytes),
    "make_prekeys": Act(("count", "warrant"), _write_bytes, _read_bytes),
    "kept_headers": Act((), _write_bytes, _read_bytes),
    "spend_prekey": Act(("prekey", "header"), _write_nothing, _read_nothing),
    "open_sealed": Act(("ciphertext", "warrant"), _write_bytes, _read_bytes),
    "open_bag_text": Act(("ciphertext", "warrant"), _write_bytes, _read_bytes),
    "desk_keys": Act((), _write_bytes, _read_bytes),
    "sign_event": Act(("device", "statement"), _write_bytes, _read_bytes),
    "sign_seal": Act(("claims", "warrant"), _write_seal, _read_seal),
    "sign_rectification": _signing("statement", "warrant"),
    "sign_pack": _signing("statement"),
    "key_versions": Act((), _write_bytes, _read_bytes),
    "make_backup_part": Act((), _write_bytes, _read_bytes),
    "backup_part_piece": Act(("sha256", "offset"), _write_bytes, _read_bytes),
    "suspend_key": Act(("key", "number", "reason"), _write_bytes, _read_bytes),
    "compromise_key": Act(("key", "number", "reason"), _write_bytes, _read_bytes),
    "officers": Act((), _write_bytes, _read_bytes),
    "officer_challenge": Act((), _write_bytes, _read_bytes),
    "register_officer_key": Act(("nonce", "response"), _write_bytes, _read_bytes),
    "approve_act": Act(("act", "nonce", "response"), _write_bytes, _read_bytes),
    "open_grant": Act(("grant", "nonce", "response"), _write_bytes, _read_bytes),
    "close_grant": Act(("token",), _write_nothing, _read_nothing),
}


def perform(custody: Custody, request: object) -> dict[str, Any]:
    """Does what a request asks and gives the answer: the act's result, or a refusal by name.

    Anything that is not a refusal is a fault of ours; its text might hold secrets and stays here.
    """
    try:
        name, act, arguments = _read_request(request)
        return {"result": act.write(getattr(custody, name)(*arguments))}
    except KeysError as error:
        return answer_of(error)
    except Exception as error:  # noqa: BLE001  process boundary: the worker lives on for others
        return answer_of(CustodianFault(f"the custodian failed: {type(error).__name__}"))


def answer_of(error: KeysError) -> dict[str, Any]:
    """Gives the answer that carries an error."""
    return {"error": error.code, "detail": str(error)}


def read_answer(name: str, answer: object) -> Any:
    """Gives the result of the act `name` from its answer, or raises the error that it carries.

    Raises:
        KeysError: of the very type that the custodian raised.
        CustodianFault: the answer is not one, or carries a code that is not known here.
    """
    match answer:
        case {"result": dict(members)}:
            try:
                return ACTS[name].read(members)
            except (KeyError, TypeError, ValueError) as error:
                raise CustodianFault(f"the custodian's answer to {name} is malformed") from error
        case {"error": str(code), "detail": str(detail)}:
            raise _errors_by_code().get(code, CustodianFault)(detail)
    raise CustodianFault(f"the custodian's answer to {name} is not of the protocol")


def _read_request(request: object) -> tuple[str, Act, list[bytes]]:
    match request:
        case {"act": str(name), "arguments": dict(arguments), **rest} if not rest:
            act = ACTS.get(name)
        case _:
            raise RequestMalformed("a request is an act and its arguments")
    if act is None:
        raise RequestMalformed("the custodian knows no such act")
    if set(arguments) != set(act.arguments):
        raise RequestMalformed(f"{name} takes other arguments")
    values = [arguments[argument] for argument in act.arguments]
    if not all(isinstance(value, bytes) for value in values):
        raise RequestMalformed("an argument is not bytes")
    return name, act, values


def _errors_by_code() -> dict[str, type[KeysError]]:
    found: dict[str, type[KeysError]] = {}
    waiting: list[type[KeysError]] = [KeysError]
    while waiting:
        error = waiting.pop()
        found[error.code] = error
        waiting += error.__subclasses__()
    return found
