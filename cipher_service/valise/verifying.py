"""`valise verify`: the verdict on a label, from a picture or from what a scanner typed."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cipher_service import clock
from cipher_service.client.drafting import read_card_file
from cipher_service.client.failures import REFUSED, Misused, Refused
from cipher_service.client.lines import Line, date_text, show_lines
from cipher_service.client.messages import Explanation, Language, explain, phrase
from cipher_service.client.terminal import Terminal
from cipher_service.valise.packs import age_text, load_pack
from cipher_service.valise.reading import read_bounded, read_scanned
from cipher_service.valise.rectifications import load, rectification_lines, rectification_records
from keys.records import is_exercise
from pouch.bordereau import digest
from pouch.claims import Claims
from pouch.errors import LocatorWrong
from pouch.findings import PackSeen, Verdict, Witnessing
from pouch.locator import grouped_locator, read_locator
from pouch.manifest import Manifest
from pouch.pack import Pack, RectifiedTo
from pouch.papers.manifest_symbol import read_manifest_text
from pouch.physical import Observed
from pouch.rectification import SignedRectification, rectified
from pouch.sealed import SEALED_BYTES_MAX, SealedManifest, read_sealed
from pouch.verdict import Trust, judge


def verify(arguments: Namespace, terminal: Terminal) -> int:
    """Run `valise verify`; return 0 when nothing was found wrong, else 1."""
    now = clock.now()
    pack = load_pack(arguments, now) if arguments.pack else None
    sealed = _sealed(arguments.manifest)
    corrections = load(arguments.rectification)
    text = read_scanned(arguments.image)
    _refuse_locator(text)
    trust = _trust(arguments, pack)
    verdict = judge(
        text,
        trust=trust,
        at=now,
        sealed=sealed,
        pack=pack,
        observed=_observed(arguments),
        rectified=_rectified(sealed, corrections, trust, pack),
    )
    if not verdict.manifest_holds:
        # They put another bordereau right than this bag's, or one that nobody sealed.
        corrections = []
    if arguments.bordereau is not None:
        _require_same(arguments.bordereau, verdict)
    told = explain(verdict.name, {}, terminal.language)
    if told is None:
        raise LookupError(verdict.name)
    if terminal.as_json:
        terminal.show_json(_record(verdict, told, corrections))
    else:
        _show(verdict, told, corrections, terminal)
    return 0 if verdict.genuine else REFUSED


def _trust(arguments: Namespace, pack: Pack | None) -> Trust:
    if not arguments.trust and pack is None:
        raise Misused("TRUST_MISSING")
    cards = [read_card_file(name) for name in arguments.trust]
    return Trust([*cards, *(pack.cards if pack is not None else ())])


def _sealed(name: str | None) -> SealedManifest | None:
    return None if name is None else read_sealed(read_bounded(name, SEALED_BYTES_MAX))


def _observed(arguments: Namespace) -> Observed:
    seals = arguments.seal_number
    return Observed(
        seals=None if seals is None else tuple(seals),
        packages=arguments.bags,
        weight_g=arguments.weight,
    )


def _rectified(
    sealed: SealedManifest | None,
    corrections: Sequence[SignedRectification],
    trust: Trust,
    pack: Pack | None,
) -> Manifest | None:
    """Return the sealed manifest as its origin put it right; None without a rectification.

    Raises:
        Misused: RECTIFICATION_WITHOUT_MANIFEST.
        Refusal: as `pouch.rectification.rectified`.
    """
    if not corrections:
        return None
    if sealed is None:
        raise Misused("RECTIFICATION_WITHOUT_MANIFEST")
    revoked = frozenset() if pack is None else pack.revoked_cards
    return rectified(sealed, corrections, trust=trust, revoked=revoked)


def _require_same(name: str, verdict: Verdict) -> None:
    """Hold the symbol on the bordereau inside against the seal outside.

    Raises:
        Refused: BORDEREAU_DIFFERS.
        BordereauMalformed: it is not the symbol of a bordereau.
    """
    manifest = read_manifest_text(read_scanned(name))
    if verdict.claims is None or digest(manifest) != verdict.claims.digest:
        raise Refused("BORDEREAU_DIFFERS", path=name)


def _refuse_locator(text: str) -> None:
    """Tell a scanned locator from a damaged seal: both stand on one label."""
    try:
        read_locator(text)
    except LocatorWrong:
        return
    raise Refused("LOCATOR_IS_NO_SEAL")


def _show(
    verdict: Verdict,
    told: Explanation,
    corrections: Sequence[SignedRectification],
    terminal: Terminal,
) -> None:
    language = terminal.language
    word = phrase(f"word_{verdict.word.name.lower()}", language)
    terminal.show(f"{word} ({verdict.name})\n  {told.cause}\n  {told.effect}\n  {told.remedy}")
    lines: list[Line] = []
    if _exercise(verdict):
        terminal.show(f"  {phrase('exercise_seal', language)}")
    if verdict.claims is not None:
        lines += _claim_lines(verdict.claims, language)
    witnessing = f"witnessing_{verdict.witnessing}" if verdict.claims else "witnessing_nothing"
    lines.append(("line_witnessing", phrase(witnessing, language)))
    lines.append(("line_logging", phrase(f"logging_{verdict.logging}", language)))
    lines += rectification_lines(corrections, language)
    if verdict.rectified is not None:
        lines.append(("line_rectified_told", _rectified_text(verdict.rectified, language)))
    if verdict.pack is not None:
        lines.append(("line_pack", _pack_text(verdict.pack, language)))
    others = [finding.name for finding in verdict.findings[1:]]
    if others:
        lines.append(("line_findings", ", ".join(others)))
    show_lines(terminal, lines)


def _claim_lines(claims: Claims, language: Language) -> list[Line]:
    whole, grams = divmod(claims.weight_g, 1000)
    kilograms = f"{whole}{',' if language == 'fr' else '.'}{grams:03} kg"
    return [
        ("line_route", f"{claims.issuer} > {claims.destination}"),
        ("line_bag", f"{claims.ordinal}/{claims.packages}, {claims.bag_class}, {kilograms}"),
        ("line_locator", grouped_locator(claims.bag)),
        ("line_seal_numbers", ", ".join(claims.seals)),
        ("line_items", str(claims.items)),
        ("line_closed", date_text(claims.issued, language)),
        ("line_expires", date_text(claims.expires, language)),
    ]


def _exercise(verdict: Verdict) -> bool:
    return verdict.claims is not None and is_exercise(verdict.claims.issuer)


def _pack_text(seen: PackSeen, language: Language) -> str:
    name = "pack_seen_expired" if seen.expired else "pack_seen"
    age = age_text(seen.age.total_seconds(), language)
    return phrase(name, language, version=seen.version, age=age)


def _rectified_text(told: RectifiedTo, language: Language) -> str:
    return phrase("rectified_told", language, ordinal=told.ordinal, weight=told.weight_g)


def _record(
    verdict: Verdict, told: Explanation, corrections: Sequence[SignedRectification]
) -> dict[str, Any]:
    return {
        "verdict": str(verdict.name),
        "word": verdict.word.name,
        "genuine": verdict.genuine,
        "findings": [
            {"name": str(finding.name), "detail": finding.detail} for finding in verdict.findings
        ],
        "witness": str(verdict.witnessing),
        "unwitnessed": verdict.witnessing is Witnessing.UNWITNESSED,
        "log": str(verdict.logging),
        "claims": None if verdict.claims is None else claims_record(verdict.claims),
        "exercise": _exercise(verdict),
        "rectifications": rectification_records(corrections),
        "rectified": None if verdict.rectified is None else asdict(verdict.rectified),
        "pack": None if verdict.pack is None else _pack_record(verdict.pack),
        "cause": told.cause,
        "effect": told.effect,
        "remedy": told.remedy,
    }


def claims_record(claims: Claims) -> dict[str, Any]:
    """Return what a seal claims, for a script."""
    return {
        "issuer": claims.issuer,
        "issued": clock.text(claims.issued),
        "expires": clock.text(claims.expires),
        "seal": claims.seal,
        "bag": claims.bag,
        "locator": grouped_locator(claims.bag),
        "ordinal": claims.ordinal,
        "packages": claims.packages,
        "destination": claims.destination,
        "seals": list(claims.seals),
        "class": str(claims.bag_class),
        "mode": str(claims.mode),
        "items": claims.items,
        "weight_g": claims.weight_g,
        "digest": claims.digest.hex(),
    }


def _pack_record(seen: PackSeen) -> dict[str, Any]:
    return {
        "version": seen.version,
        "age_seconds": int(seen.age.total_seconds()),
        "expired": seen.expired,
    }
