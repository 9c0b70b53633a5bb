"""`chiffre enrol`: a post becomes known to its ministry, and decides to believe it.

Nothing is sent before a person has confirmed the ministry's service key: the one-time code would
be spent on whoever answers. The ministry for its part activates the post only after hearing the
fingerprint of its card over the telephone.
"""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Final

from cipher_service.client.messages import phrase
from cipher_service.client.online_confirmation import require_confirmed
from cipher_service.client.online_pins import MinistryPin, Pins, ServiceOffer
from cipher_service.client.online_refusals import Distrusted, Unready
from cipher_service.client.online_service_keys import following
from cipher_service.client.online_session import connect
from cipher_service.client.passphrases import passphrase_to_open
from cipher_service.client.sdk import Ministry, canonical_bytes
from cipher_service.client.terminal import Terminal
from cipher_service.client.transport import check_address
from cipher_service.wire.directory import ServiceCard
from cipher_service.wire.enrolment import (
    EnrolmentRequest,
    EnrolmentState,
    PublicJwk,
    SignaturePair,
    enrolment_statement,
)
from keys import canonical
from keys.cards import grouped
from keys.identity import Identity, load_identity
from keys.signing import ENROLMENT
from keys.statements import key_fingerprint

_SERVICE_OPTION: Final = "--service-fingerprint"
_HEADQUARTERS_OPTION: Final = "--headquarters-fingerprint"


def enrol(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre enrol`. Repeating it is harmless."""
    folder = Path(arguments.identity)
    server = check_address(arguments.server)
    authority = None if arguments.authority is None else Path(arguments.authority).read_text()
    identity = load_identity(folder, passphrase_to_open(arguments.passphrase_file, terminal))
    pins = Pins(folder)
    with connect(server, authority, terminal) as transport:
        ministry = Ministry(transport)
        shown = ministry.service_card()
        offer, known = _offer(shown), pins.find_ministry()
        if known is not None and known.root is not None:
            known = following(known, shown, known.root) or known
        _confirm_service(known, offer, arguments.service_fingerprint, terminal)
        request = _request(identity, offer.issuer, arguments.code)
        state = ministry.enrol(request)
        if (state.post, state.fingerprint) != (identity.card.post, identity.card.fingerprint):
            raise Distrusted("ANSWER_MALFORMED", message="EnrolmentState")
    led = known is not None and known.fingerprint == key_fingerprint(offer.service_key)
    pin = MinistryPin(
        server,
        offer.issuer,
        offer.headquarters,
        offer.service_key,
        authority,
        None if known is None else known.root,
        known.successions if known is not None and led else (),
    )
    pins.pin_ministry(pin)
    pinned = _pin_headquarters(pins, offer, arguments.headquarters_fingerprint, terminal)
    if pinned and pin.root is None:
        # The card that introduces it was confirmed; from then on the root stands by itself.
        pins.pin_ministry(replace(pin, root=offer.root))
    _tell(terminal, identity, state, offer, headquarters_pinned=pinned)


def _offer(card: ServiceCard) -> ServiceOffer:
    return ServiceOffer.of(
        issuer=card.issuer,
        headquarters=card.headquarters,
        card=canonical_bytes(card.card),
        key=card.service_key.model_dump(),
        introduction=None if card.root is None else canonical_bytes(card.root),
    )


def _confirm_service(
    known: MinistryPin | None, offer: ServiceOffer, given: str | None, terminal: Terminal
) -> None:
    offered = key_fingerprint(offer.service_key)
    if known is not None and known.fingerprint == offered:
        return
    if known is not None and given is None:
        raise Distrusted(
            "SERVICE_KEY_CHANGED", known=grouped(known.fingerprint), offered=grouped(offered)
        )
    require_confirmed(
        terminal,
        what=phrase("the_service_key", terminal.language),
        fingerprint=offered,
        option=_SERVICE_OPTION,
        given=given,
    )


def _pin_headquarters(
    pins: Pins, offer: ServiceOffer, given: str | None, terminal: Terminal
) -> bool:
    """Confirm and pin the bureau's card; False when a script said nothing of it."""
    if given is None and pins.require_unchanged(offer.card):
        return True
    try:
        require_confirmed(
            terminal,
            what=phrase("the_card_of", terminal.language, post=offer.card.post),
            fingerprint=offer.card.fingerprint,
            option=_HEADQUARTERS_OPTION,
            given=given,
        )
    except Unready:
        terminal.say("headquarters_unpinned", post=offer.card.post)
        return False
    pins.pin_card(offer.card)
    return True


def _request(identity: Identity, issuer: str, code: str) -> EnrolmentRequest:
    typed = code.strip().upper()
    statement = enrolment_statement(
        post=identity.card.post,
        fingerprint=identity.card.fingerprint,
        jkt=identity.api_key.thumbprint(),
        code=typed,
        issuer=issuer,
    )
    proof = identity.sign(ENROLMENT, statement)
    try:
        return EnrolmentRequest(
            code=typed,
            card=canonical.decode(identity.card.to_bytes()),
            jwk=PublicJwk.model_validate(identity.api_key.public_jwk()),
            proof=SignaturePair(
                ed25519=canonical.text_from_bytes(proof.ed25519),
                mldsa65=canonical.text_from_bytes(proof.mldsa65),
            ),
        )
    except ValueError as error:
        raise Unready("CODE_MALFORMED") from error


def _tell(
    terminal: Terminal,
    identity: Identity,
    state: EnrolmentState,
    offer: ServiceOffer,
    *,
    headquarters_pinned: bool,
) -> None:
    if terminal.as_json:
        terminal.show_json(
            {
                "post": state.post,
                "state": state.state,
                "fingerprint": state.fingerprint,
                "issuer": offer.issuer,
                "service_fingerprint": key_fingerprint(offer.service_key),
                "headquarters": {
                    "post": offer.card.post,
                    "fingerprint": offer.card.fingerprint,
                    "confirmed": headquarters_pinned,
                },
            }
        )
        return
    terminal.show(phrase(f"enrolled_{state.state}", terminal.language, post=state.post))
    if state.state == "pending":
        terminal.show(phrase("compare_own", terminal.language, post=state.post))
        terminal.show(f"  {grouped(identity.card.fingerprint)}")
