"""`POST /v1/pouches/verdicts`: what is to be thought of a seal, by the caller's sync pack.

The same judgement as on a telephone and in `valise verify` (`pouch.verdict.judge`). The answer
repeats no number of a physical seal: they are typed before anything is compared.
"""

from functools import partial

from starlette.requests import Request

from cipher_service import clock
from cipher_service.api.inbound import read_json
from cipher_service.api.ministry import Ministry
from cipher_service.errors import ServiceError
from cipher_service.pouches import packs
from cipher_service.wire import verdicts as wire
from keys.errors import Refusal
from keys.signing import VerifyingKey
from pouch.claims import Claims
from pouch.findings import PackSeen, Verdict
from pouch.pack import RectifiedTo, read_pack
from pouch.physical import Observed
from pouch.verdict import Trust, judge


async def judge_seal(ministry: Ministry, request: Request) -> wire.VerdictAnswer:
    """Judge what a post's reader scanned and its people saw of the bag."""
    asked = await read_json(request, wire.VerdictRequest)
    caller = await ministry.recognise(request)
    await ministry.act(caller, "pouch_pack", {"post": caller.post})
    body = await ministry.read(partial(packs.body_of, post=caller.post))
    root = (await ministry.seals()).root_key()
    return _told(await ministry.in_thread(partial(_judged, asked, body, root)))


def _judged(asked: wire.VerdictRequest, body: bytes, root: VerifyingKey) -> Verdict:
    now = clock.now()
    try:
        pack = read_pack(body, root, least_version=0, at=now)
    except Refusal as error:
        # The database holds one that the root did not sign.
        raise ServiceError("UNAVAILABLE") from error
    observed = Observed(
        seals=None if asked.seals is None else tuple(asked.seals),
        packages=asked.packages,
        weight_g=asked.weight_g,
    )
    return judge(asked.text, trust=Trust(pack.cards), at=now, pack=pack, observed=observed)


def _told(verdict: Verdict) -> wire.VerdictAnswer:
    return wire.VerdictAnswer(
        verdict=str(verdict.name),
        word=verdict.word.name,
        genuine=verdict.genuine,
        findings=[
            wire.Found(name=str(finding.name), detail=finding.detail)
            for finding in verdict.findings
        ],
        witness=str(verdict.witnessing),
        log=str(verdict.logging),
        claims=None if verdict.claims is None else _claimed(verdict.claims),
        rectified=None if verdict.rectified is None else _put_right(verdict.rectified),
        pack=_pack_seen(verdict.pack),
    )


def _put_right(told: RectifiedTo) -> wire.PutRight:
    return wire.PutRight(ordinal=told.ordinal, hash=told.hash, weight_g=told.weight_g)


def _claimed(claims: Claims) -> wire.SealClaims:
    return wire.SealClaims(
        seal=claims.seal,
        bag=claims.bag,
        issuer=claims.issuer,
        destination=claims.destination,
        issued=clock.text(claims.issued),
        expires=clock.text(claims.expires),
        ordinal=claims.ordinal,
        packages=claims.packages,
    )


def _pack_seen(seen: PackSeen | None) -> wire.PackAge:
    if seen is None:
        raise LookupError("a verdict was made without the pack")
    return wire.PackAge(
        version=seen.version, age_s=int(seen.age.total_seconds()), expired=seen.expired
    )
