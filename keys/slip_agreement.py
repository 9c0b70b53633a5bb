"""What a slip says outside of what the manifest says inside, and whether the two agree.

The ministry's carriers see the slip alone; who opens the envelope holds it against the manifest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from keys.errors import Refusal
from keys.slips import SeriesNumber, Slip, SlipAddressee

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.manifest import Addressee, Manifest
    from keys.rerouting import Addendum


class SlipMismatch(Refusal):
    """The slip says something else than the signed manifest inside the envelope."""

    code: ClassVar[str] = "SLIP_MISMATCH"


def slip_for(manifest: Manifest, *, envelope_sha256: str, envelope_size: int) -> Slip:
    """Gives the slip that says outside what `manifest` says inside.

    Of the references only the structured one, the dispatch replied to, is shown to the carrier.
    """
    heading = manifest.heading
    return Slip(
        dispatch_id=heading.id,
        origin=manifest.sender.post,
        origin_card=manifest.sender.fingerprint,
        kind=heading.kind,
        level=heading.label.level,
        caveats=heading.label.caveats,
        dtg=heading.dtg,
        envelope_sha256=envelope_sha256,
        envelope_size=envelope_size,
        addressees=entries_of(manifest.to),
        references=(heading.in_reply_to,) if heading.in_reply_to else (),
    )


def slip_for_rerouting(
    manifest: Manifest,
    addendum: Addendum,
    *,
    dispatch_id: str,
    envelope_sha256: str,
    envelope_size: int,
) -> Slip:
    """Gives the slip under which a rerouted envelope travels to those whom `addendum` added.

    For its carriers it is a dispatch of the rerouting post, with an id of its own, that refers to
    the one inside.
    """
    inside = slip_for(manifest, envelope_sha256=envelope_sha256, envelope_size=envelope_size)
    return replace(
        inside,
        dispatch_id=dispatch_id,
        origin=addendum.sender.post,
        origin_card=addendum.sender.fingerprint,
        addressees=entries_of(addendum.to),
        references=(manifest.id,),
    )


def entries_of(to: Sequence[Addressee]) -> tuple[SlipAddressee, ...]:
    """Gives the entries of a slip for those of a manifest or an addendum."""
    return tuple(map(_entry, to))


def require_same(slip: Slip, manifest: Manifest, addenda: Sequence[Addendum] = ()) -> None:
    """Demands that a slip is the one of this manifest: what the carrier showed was true.

    Args:
        slip: verified.
        manifest: of the envelope that it came with.
        addenda: of that envelope's reroutings, verified, in their order; the last one is the act
            under which an envelope travels whose slip has an id of its own.

    Raises:
        SlipMismatch: anything differs; the text names what.
    """
    digest, size = slip.envelope_sha256, slip.envelope_size
    expected = slip_for(manifest, envelope_sha256=digest, envelope_size=size)
    if addenda and slip.dispatch_id != manifest.id:
        expected = slip_for_rerouting(
            manifest,
            addenda[-1],
            dispatch_id=slip.dispatch_id,
            envelope_sha256=digest,
            envelope_size=size,
        )
    for name, value in vars(expected).items():
        if getattr(slip, name) != value:
            raise SlipMismatch(f"the slip's {name} is not the manifest's")


def _entry(entry: Addressee) -> SlipAddressee:
    series = entry.series
    return SlipAddressee(
        post=entry.post,
        fingerprint=entry.fingerprint,
        role=entry.role,
        precedence=entry.precedence,
        delivery=entry.delivery,
        series=None if series is None else SeriesNumber(series.epoch, series.number),
    )
