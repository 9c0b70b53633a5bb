"""A second evaluator, in plain Python, written from the decree's matrix and not from the policies.

It shares no code with the engine, the policies or the proofs: rules as functions, no Cedar.
"""

from cipher_service.access.machines import Bag, Envelope, Message, Post
from cipher_service.access.subjects import (
    Book,
    Circumstances,
    Dispatch,
    Entity,
    Key,
    Mandate,
    Person,
    Pouch,
    Principal,
    Resource,
    Setting,
)

DERIVE = {"reply", "forward", "attach"}
CONTENT = DERIVE | {
    "read",
    "draft",
    "visa",
    "encipher",
    "decipher",
    "release",
    "declassify",
    "export",
    "destroy",
}
LABELLED = CONTENT | {
    "list",
    "transcribe",
    "route",
    "grant-need",
    "pouch-list",
    "pouch-pack",
    "pouch-handover",
    "pouch-seal",
    "pouch-open",
}
CEREMONY = {
    "key-generate",
    "key-activate",
    "key-rotate",
    "key-destroy",
    "key-export",
    "key-recover",
}
PAIRED = CEREMONY | {
    "declassify",
    "export",
    "destroy",
    "pouch-seal",
    "pouch-open",
    "habilitation-grant",
    "role-assign",
    "site-grant",
    "mandate-register",
    "policy-change",
    "post-enrol",
}
FOR_OTHERS = {
    "habilitation-propose",
    "habilitation-grant",
    "role-assign",
    "site-propose",
    "site-grant",
    "mandate-sign",
    "mandate-register",
    "recertify",
    "break-glass-review",
}
CELL = {"CHIEF-CNTC", "SECURITY-OFFICER", "CUSTODIAN-A", "CUSTODIAN-B", "ADMINISTRATOR", "AUDITOR"}
WRITERS = {"MINISTER", "MINISTER-DELEGATE"}
NEEDERS = {"SECRETARY-GENERAL", "DIRECTOR", "DEPUTY-DIRECTOR", "CHIEF-CIPHER-POUCH"}
AUTHORITIES = {"MINISTER", "SECRETARY-GENERAL", "DEPUTY-DIRECTOR", "CHIEF-CIPHER-POUCH"}
POUCH = {"CHIEF-POUCH", "CHIEF-CIPHER-POUCH"}


def allowed(principal: Entity, action: str, resource: Entity, context: Setting) -> bool:
    """Decide, in the person's own name or under one of the mandates."""
    if isinstance(principal, Post):
        return principal.active and _post(principal, action, resource)
    assert isinstance(principal, Principal)
    assert isinstance(resource, Dispatch | Pouch | Key | Person | Book)
    assert isinstance(context, Circumstances)
    if _may(principal, action, resource, context, None):
        return True
    return any(
        (not mandate.actions or action in mandate.actions)
        and _may(principal.under(mandate), action, resource, context, mandate)
        for mandate in principal.mandates
    )


def _post(who: Post, action: str, what: Entity) -> bool:
    me = who.identifier
    if isinstance(what, Envelope):
        mine = what.origin == me
        shown = mine or not what.releasable or me in what.releasable
        return {
            "post-submit": mine,
            "post-trace": mine,
            "post-list": me in what.addressees and shown,
            "post-acknowledge": me in what.addressees,
            "post-fetch": (mine or me in what.served) and shown,
        }[action]
    if isinstance(what, Message):
        return me == (what.origin if action == "post-speak" else what.addressee)
    if isinstance(what, Bag):
        if action == "post-bag-make":
            return what.origin == me
        return me in what.places or (action == "post-bag-see" and who.headquarters)
    return action == "post-use" or who.headquarters


def _may(
    who: Principal, action: str, what: Resource, how: Circumstances, mandate: Mandate | None
) -> bool:
    return (
        who.active
        and _label_clear(who, action, what, how, mandate)
        and _persons_apart(who, action, what, how, mandate)
        and _function_permits(who, action, what, how)
    )


def _label_clear(
    who: Principal, action: str, what: Resource, how: Circumstances, mandate: Mandate | None
) -> bool:
    now = int(how.now.timestamp())
    if action in LABELLED and isinstance(what, Dispatch | Pouch):
        if what.level > who.clearance or what.caveats - who.caveats:
            return False
        if not who.habilitated_from <= now < min(who.habilitated_until, who.trained_until):
            return False
        if isinstance(what, Dispatch) and what.releasable and who.post not in what.releasable:
            return False
        up = how.new_level >= what.level and how.new_caveats >= what.caveats
        down = how.new_level <= what.level and how.new_caveats <= what.caveats
        if (action in DERIVE and not up) or (action in {"declassify", "pouch-pack"} and not down):
            return False
    limited = action in LABELLED or action in {"habilitation-grant", "role-assign", "site-grant"}
    if mandate is not None and limited and isinstance(what, Dispatch | Pouch | Person):
        return what.level <= mandate.level
    return True


def _persons_apart(
    who: Principal, action: str, what: Resource, how: Circumstances, mandate: Mandate | None
) -> bool:
    me, other, third = who.officer_id, how.approver, how.third
    bad = [
        action in PAIRED and other in ("", me),
        action in CEREMONY and third in ("", me, other),
        action == "release" and other == me,
        action == "release" and not how.opened,
        action in CONTENT and bool(who.functions & CELL),
        how.break_glass and action not in {"read", "release"},
        mandate is not None and (action in CEREMONY or action == "mandate-sign"),
        action == "items-keep" and "AUDITOR" in who.functions,
        action in {"habilitation-grant", "site-grant"} and how.proposer in ("", me),
    ]
    if isinstance(what, Dispatch) and action == "release":
        bad.append(what.level >= 2 and other == "" and not how.break_glass)
        bad.append(what.author == me or (what.author != "" and what.author == other))
    if isinstance(what, Pouch) and action == "pouch-seal":
        bad.append(what.packer == other)
    if isinstance(what, Person):
        bad.append(action in FOR_OTHERS and what.identifier == me)
        bad.append(action in FOR_OTHERS & PAIRED and what.identifier == other)
    return not any(bad)


def _function_permits(who: Principal, action: str, what: Resource, how: Circumstances) -> bool:
    if isinstance(what, Dispatch):
        return _dispatch(who, action, what, how)
    if isinstance(what, Pouch):
        return _pouch(who, action, what, how)
    if isinstance(what, Key):
        return _key(who, action, how)
    if isinstance(what, Person):
        return _person(who, action, what, how)
    return _book(who, action, how)


def _dispatch(who: Principal, action: str, what: Dispatch, how: Circumstances) -> bool:
    f, me = who.functions, who.officer_id
    mine = who.post == what.origin or who.post in what.addressees
    queue = what.assigned == me
    need = (
        queue
        or what.author == me
        or what.identifier in who.need_dispatches
        or what.file in who.need_files
        or what.origin in who.need_posts
    )
    clerk = bool(f & {"CIPHER-CLERK", "POST-CIPHER-CLERK"})
    if action == "release":
        return _release(who, what, how)
    if action in {"read", "draft", "visa"} | DERIVE:
        ways = [bool(f & WRITERS), "HEAD-OF-POST" in f and mine, bool(f & NEEDERS) and need]
        ways.append(action != "visa" and "DRAFTER" in f and need)
        ways.append(action == "read" and clerk and queue)
        emergency = bool(f & {"SECRETARY-GENERAL", "DEPUTY-DIRECTOR"}) and how.break_glass
        return any([*ways, action == "read" and emergency])
    lists = {"SECRETARY-GENERAL", "DEPUTY-DIRECTOR", "CHIEF-CIPHER-POUCH", "AUDITOR"} | WRITERS
    mail = bool(f & {"CHIEF-MAIL-LIAISON", "CONFIDENTIAL-MAIL-AGENT"})
    mail = mail or ("MAIL-AGENT" in f and what.level < 2)
    posts = {"HEAD-OF-POST", "POST-CIPHER-CLERK", "LIAISON-AGENT"}
    two = {"DEPUTY-DIRECTOR", "CHIEF-CIPHER-POUCH"}
    with_sg = "MINISTER" in how.approver_functions
    with_sg = with_sg or ("SECRETARY-GENERAL" in how.approver_functions and what.level < 4)
    chiefs = {"MINISTER", "SECRETARY-GENERAL", "DEPUTY-DIRECTOR", "HEAD-OF-POST"}
    return {
        "list": bool(f & lists)
        or mail
        or (bool(f & posts) and mine)
        or (clerk and queue)
        or (bool(f & {"DRAFTER", "DIRECTOR"}) and need),
        "encipher": clerk and queue,
        "decipher": clerk and queue,
        "transcribe": "LIAISON-AGENT" in f and mine,
        "route": mail,
        "grant-need": bool(f & AUTHORITIES) or ("HEAD-OF-POST" in f and mine),
        "declassify": bool(f & chiefs) and what.origin == who.post and with_sg,
        "export": bool(f & two)
        and bool(how.approver_functions & {"SECRETARY-GENERAL", "DEPUTY-DIRECTOR"}),
        "destroy": bool(f & two)
        and bool(how.approver_functions & {"SECRETARY-GENERAL", "DEPUTY-DIRECTOR"}),
    }[action]


def _release(who: Principal, what: Dispatch, how: Circumstances) -> bool:
    low = how.approver == "" and what.level < 2
    if who.functions & (AUTHORITIES | {"MINISTER-DELEGATE", "CIPHER-CLERK"}) and (
        low or how.approver_functions & AUTHORITIES
    ):
        return True
    if what.origin != who.post:
        return False
    second = (AUTHORITIES - {"MINISTER"}) | {"HEAD-OF-POST", "POST-CIPHER-CLERK"}
    if who.functions & {"HEAD-OF-POST", "POST-CIPHER-CLERK"} and (
        low or how.approver_functions & second
    ):
        return True
    alone = {"HEAD-OF-POST", "SECRETARY-GENERAL", "DEPUTY-DIRECTOR"}
    return bool(who.functions & alone) and how.break_glass


def _pouch(who: Principal, action: str, what: Pouch, how: Circumstances) -> bool:
    f, other = who.functions, how.approver_functions
    mine = who.post in (what.origin, what.destination)
    bureau = bool(f & (POUCH | {"POUCH-AGENT"}))
    post = bool(f & {"HEAD-OF-POST", "POST-CIPHER-CLERK"}) and mine
    if action in {"pouch-seal", "pouch-open"}:
        heads = POUCH | ({"DEPUTY-DIRECTOR"} if action == "pouch-open" else set())
        pair = bool(f & heads) and bool(other & (POUCH | {"POUCH-AGENT", "DEPUTY-DIRECTOR"}))
        return pair or ("HEAD-OF-POST" in f and mine and "POST-CIPHER-CLERK" in other)
    if action != "pouch-handover" and "CONFIDENTIAL-MAIL-AGENT" in f:
        return True
    carried = action != "pouch-pack" and "COURIER" in f and what.courier == who.officer_id
    return bureau or post or carried


def _key(who: Principal, action: str, how: Circumstances) -> bool:
    if action == "key-revoke":
        return bool(
            who.functions
            & {
                "CUSTODIAN-A",
                "CUSTODIAN-B",
                "CHIEF-CNTC",
                "SECURITY-OFFICER",
                "HEAD-OF-POST",
                "POST-CIPHER-CLERK",
            }
        )
    makes = action in {"key-generate", "key-activate", "key-rotate"}
    thirds = {"CHIEF-CNTC"} if makes else {"CHIEF-CNTC", "SECRETARY-GENERAL"}
    both = any(
        one in who.functions and two in how.approver_functions
        for one, two in (("CUSTODIAN-A", "CUSTODIAN-B"), ("CUSTODIAN-B", "CUSTODIAN-A"))
    )
    return both and bool(how.third_functions & thirds)


def _person(who: Principal, action: str, what: Person, how: Circumstances) -> bool:
    f, other = who.functions, how.approver_functions
    staff = "HEAD-OF-POST" in f and what.post == who.post
    top = bool(other & {"SECRETARY-GENERAL", "MINISTER"})
    if action in {"habilitation-propose", "site-propose"}:
        heads = {"SECURITY-OFFICER", "DEPUTY-DIRECTOR", "CHIEF-CIPHER-POUCH", "CHIEF-MAIL-LIAISON"}
        return bool(f & heads) or staff
    if action in {"habilitation-grant", "site-grant"}:
        reach = max(
            [9] * ("MINISTER" in f) + [3] * ("SECRETARY-GENERAL" in f) + [2] * ("CHIEF-CNTC" in f),
            default=-9,
        )
        return "SECURITY-OFFICER" in other and what.level <= reach
    if action == "revoke":
        heads = {
            "MINISTER",
            "SECRETARY-GENERAL",
            "CHIEF-CNTC",
            "SECURITY-OFFICER",
            "DEPUTY-DIRECTOR",
        }
        return bool(f & heads) or staff
    return {
        "person-record": "SECURITY-OFFICER" in f,
        "recertify": "SECURITY-OFFICER" in f,
        "role-assign": "SECURITY-OFFICER" in f and top,
        "break-glass-review": bool(f & {"SECURITY-OFFICER", "AUDITOR"}),
        "mandate-sign": "MINISTER" in f,
        "mandate-register": "CHIEF-CNTC" in f and top,
    }[action]


def _book(who: Principal, action: str, how: Circumstances) -> bool:
    f, other = who.functions, how.approver_functions
    top = bool(other & {"SECRETARY-GENERAL", "MINISTER"})
    mail = {"DEPUTY-DIRECTOR", "CHIEF-MAIL-LIAISON", "MAIL-AGENT", "CONFIDENTIAL-MAIL-AGENT"}
    deadlines = {
        "MINISTER",
        "SECRETARY-GENERAL",
        "DEPUTY-DIRECTOR",
        "CHIEF-MAIL-LIAISON",
        "REMINDER-OFFICER",
    }
    return {
        "mail-register": bool(f & mail),
        "deadlines-view": bool(f & deadlines),
        "audit-read": "AUDITOR" in f,
        "policy-read": bool(f & {"MINISTER", "SECRETARY-GENERAL", "CHIEF-CNTC", "AUDITOR"}),
        "policy-change": "CHIEF-CNTC" in f and top,
        "items-keep": bool(f & {"CHIEF-CNTC", "CUSTODIAN-A", "CUSTODIAN-B"}),
        "post-enrol": "SECURITY-OFFICER" in f and bool(other & {"CUSTODIAN-A", "CUSTODIAN-B"}),
    }[action]
