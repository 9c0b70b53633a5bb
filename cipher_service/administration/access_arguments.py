"""What can be typed about policies, persons and rights."""

from cipher_service.administration.parsing import (
    Commands,
    add_command,
    add_group,
    add_json,
    add_software_key,
)
from cipher_service.client.arguments import Parser, Say


def add_access(commands: "Commands[Parser]", say: Say) -> None:
    """Add the groups."""
    _add_policy(commands, say)
    _add_explain(commands, say)
    officers = add_group(commands, say, "officers")
    _add_persons(officers, say)
    _add_rights(officers, say)
    _add_mandates(commands, say)
    _add_emergencies(commands, say)
    _add_labels(commands, say)
    _add_reviews(commands, say)
    _add_sites(commands, say)
    _add_doors(commands, say)
    _add_auditors(commands, say)


def _add_policy(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "policy")
    add_json(add_command(group, say, "policy.show", "policies:show"), say)
    add_json(add_command(group, say, "policy.matrix", "policies:matrix"), say)
    check = add_command(group, say, "policy.check", "policies:check")
    diff = add_command(group, say, "policy.diff", "policies:diff")
    check.add_argument("--policies", metavar=say("a_file"), help=say("help_policies"))
    diff.add_argument("--policies", metavar=say("a_file"), required=True, help=say("help_policies"))
    adopt = add_command(group, say, "policy.adopt", "policies:adopt")
    adopt.add_argument(
        "--policies", metavar=say("a_file"), required=True, help=say("help_policies")
    )
    _add_by(adopt, say, required=True)
    adopt.add_argument(
        "--with", dest="approver", metavar="OFF", required=True, help=say("help_with")
    )
    for parser in (check, diff, adopt):
        add_json(parser, say)


def _add_explain(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "access")
    explain = add_command(group, say, "access.explain", "explaining:explain")
    explain.add_argument("officer", metavar="OFF", help=say("help_officer"))
    explain.add_argument("action", metavar="ACTION", help=say("help_action"))
    explain.add_argument("object", metavar="ID", help=say("help_object"))
    _add_with(explain, say)
    explain.add_argument("--third", metavar="OFF", help=say("help_third"))
    explain.add_argument("--proposer", metavar="OFF", help=say("help_proposer"))
    explain.add_argument("--opened", action="store_true", help=say("help_opened"))
    add_json(explain, say)


def _add_persons(group: "Commands[Parser]", say: Say) -> None:
    listing = add_command(group, say, "officers.list", "officers:list_officers")
    roles = add_command(group, say, "officers.roles", "officers:list_roles")
    habilitations = add_command(group, say, "officers.habilitations", "officers:list_habilitations")
    show = _person(group, say, "officers.show", "officers:show")
    add = add_command(group, say, "officers.add", "officers:add")
    for name in ("name", "grade", "grade-since", "service-since"):
        add.add_argument(f"--{name}", required=True, help=say(f"help_{name.replace('-', '_')}"))
    transfer = _person(group, say, "officers.transfer", "officers:transfer")
    leave = _person(group, say, "officers.leave", "officers:leave")
    for parser in (add, transfer):
        parser.add_argument("--unit", metavar="CODE", help=say("help_unit"))
        parser.add_argument(
            "--post", metavar="CODE", required=parser is transfer, help=say("help_post_code")
        )
    for parser in (transfer, leave):
        parser.add_argument("--successor", metavar="OFF", help=say("help_successor"))
    for parser in (add, transfer, leave):
        _add_by(parser, say)
    for parser in (listing, roles, habilitations, show, add, transfer, leave):
        add_json(parser, say)


def _add_rights(group: "Commands[Parser]", say: Say) -> None:
    assign = _person(group, say, "officers.assign", "officers:assign")
    unassign = _person(group, say, "officers.unassign", "officers:unassign")
    for parser in (assign, unassign):
        parser.add_argument("role", metavar="FUNCTION", help=say("help_role"))
    habilitate = _person(group, say, "officers.habilitate", "officers:habilitate")
    habilitate.add_argument("level", metavar="LEVEL", help=say("help_cleared"))
    habilitate.add_argument(
        "--caveat", metavar="C", action="append", default=[], help=say("help_caveat_held")
    )
    habilitate.add_argument(
        "--trained-until", metavar=say("a_day"), required=True, help=say("help_trained")
    )
    habilitate.add_argument("--proposer", metavar="OFF", help=say("help_proposer"))
    need = _person(group, say, "officers.need", "officers:need")
    need.add_argument("kind", choices=("dispatch", "post", "file"), help=say("help_need_kind"))
    need.add_argument("matter", metavar="ID", help=say("help_matter"))
    need.add_argument("--reason", required=True, help=say("help_reason"))
    withdraw = _person(group, say, "officers.withdraw", "officers:withdraw")
    suspend = _person(group, say, "officers.suspend", "officers:suspend")
    resume = _person(group, say, "officers.resume", "officers:resume")
    link = _person(group, say, "officers.link", "officers:officer_link")
    sign_out = _person(group, say, "officers.sign-out", "officers:sign_out")
    revoke = _person(group, say, "officers.revoke-key", "officers:revoke_key")
    revoke.add_argument("key", metavar="KEY", help=say("help_security_key"))
    for parser in (assign, habilitate):
        parser.add_argument("--act", required=True, help=say("help_act"))
    for parser in (assign, habilitate, need):
        _add_window(parser, say)
    for parser in (assign, habilitate, resume, link):
        _add_with(parser, say)
    safer = (unassign, withdraw, suspend, sign_out, revoke)
    for parser in (assign, habilitate, need, resume, link, *safer):
        _add_by(parser, say)
        add_json(parser, say)


def _add_mandates(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "mandate")
    listing = add_command(group, say, "mandate.list", "rights:list_mandates")
    candidates = add_command(group, say, "mandate.candidates", "rights:list_candidates")
    propose = add_command(group, say, "mandate.propose", "rights:propose_mandate")
    propose.add_argument("kind", choices=("interim", "signature"), help=say("help_mandate_kind"))
    propose.add_argument("holder", metavar="OFF", help=say("help_mandate_holder"))
    propose.add_argument("--delegator", metavar="OFF", required=True, help=say("help_delegator"))
    propose.add_argument("--role", metavar="FUNCTION", required=True, help=say("help_role"))
    propose.add_argument("--level", metavar="LEVEL", required=True, help=say("help_mandate_level"))
    propose.add_argument(
        "--action", metavar="ACTION", action="append", default=[], help=say("help_mandate_action")
    )
    propose.add_argument("--act", required=True, help=say("help_act"))
    propose.add_argument("--reason", default="", help=say("help_other_reason"))
    _add_window(propose, say)
    sign = add_command(group, say, "mandate.sign", "rights:sign_mandate")
    end = add_command(group, say, "mandate.end", "rights:end_mandate")
    for parser in (sign, end):
        parser.add_argument("mandate", metavar="M", help=say("help_mandate_number"))
    for parser in (propose, sign, end):
        _add_by(parser, say, required=True)
    for parser in (listing, candidates, propose, sign, end):
        add_json(parser, say)


def _add_emergencies(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "emergency")
    listing = add_command(group, say, "emergency.list", "rights:list_emergencies")
    declare = add_command(group, say, "emergency.declare", "rights:declare_emergency")
    declare.add_argument("action", choices=("read", "release"), help=say("help_action"))
    declare.add_argument("dispatch", metavar="ID", help=say("help_dispatch"))
    declare.add_argument("--reason", required=True, help=say("help_reason"))
    declare.add_argument("--opened", action="store_true", help=say("help_opened"))
    review = add_command(group, say, "emergency.review", "rights:review_emergency")
    review.add_argument("number", metavar="N", type=int, help=say("help_number"))
    review.add_argument("finding", choices=("justified", "unjustified"), help=say("help_finding"))
    for parser in (declare, review):
        _add_by(parser, say, required=True)
    for parser in (listing, declare, review):
        add_json(parser, say)


def _add_labels(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "label")
    lower = add_command(group, say, "label.lower", "lowering:lower")
    lower.add_argument("dispatch", metavar="ID", help=say("help_dispatch"))
    lower.add_argument("level", metavar="LEVEL", help=say("help_lowered_level"))
    lower.add_argument(
        "--caveat", metavar="C", action="append", default=[], help=say("help_caveat_kept")
    )
    lower.add_argument("--reason", required=True, help=say("help_reason"))
    _add_by(lower, say, required=True)
    lower.add_argument(
        "--with", dest="approver", metavar="OFF", required=True, help=say("help_with")
    )
    add_json(lower, say)


def _add_reviews(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "review")
    opening = add_command(group, say, "review.open", "rights:open_review")
    due = add_command(group, say, "review.due", "rights:list_due")
    lines = add_command(group, say, "review.list", "rights:list_review")
    answer = add_command(group, say, "review.answer", "rights:answer_review")
    for parser in (lines, answer):
        parser.add_argument("review", metavar="R", help=say("help_review_number"))
    answer.add_argument("line", metavar="N", type=int, help=say("help_number"))
    answer.add_argument("verdict", choices=("confirmed", "removed"), help=say("help_verdict"))
    for parser in (opening, answer):
        _add_by(parser, say, required=True)
    for parser in (opening, due, lines, answer):
        add_json(parser, say)


def _add_sites(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "site")
    listing = add_command(group, say, "site.list", "rights:list_sites")
    request = _person(group, say, "site.request", "rights:request_site")
    ask = _person(group, say, "site.ask", "rights:ask_site")
    for parser in (request, ask):
        kinds = ("room", "network", "application")
        parser.add_argument("kind", choices=kinds, help=say("help_site_kind"))
        parser.add_argument("place", metavar="PLACE", help=say("help_place"))
    request.add_argument("--level", metavar="LEVEL", required=True, help=say("help_cleared"))
    request.add_argument("--reason", required=True, help=say("help_reason"))
    _add_window(request, say)
    agree = add_command(group, say, "site.agree", "rights:agree_site")
    grant = add_command(group, say, "site.grant", "rights:grant_site")
    refuse = add_command(group, say, "site.refuse", "rights:refuse_site")
    grant.add_argument("--act", required=True, help=say("help_act"))
    for parser in (agree, grant, refuse):
        parser.add_argument("number", metavar="N", type=int, help=say("help_number"))
    for parser in (request, agree, grant, refuse):
        _add_by(parser, say, required=True)
    for parser in (listing, request, ask, agree, grant, refuse):
        add_json(parser, say)


def _add_doors(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "door")
    listing = add_command(group, say, "door.list", "doors:list_doors")
    add = add_command(group, say, "door.add", "doors:add_door")
    add.add_argument("jwk", metavar="JWK", help=say("help_machine_jwk"))
    kinds = ("room", "network", "application")
    add.add_argument("kind", choices=kinds, help=say("help_site_kind"))
    add.add_argument("place", metavar="PLACE", help=say("help_place"))
    revoke = add_command(group, say, "door.revoke", "doors:revoke_door")
    revoke.add_argument("door", metavar="DOOR", help=say("help_door_number"))
    for parser in (add, revoke):
        _add_by(parser, say, required=True)
    for parser in (listing, add, revoke):
        add_json(parser, say)


def _add_auditors(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "auditor")
    listing = add_command(group, say, "auditor.list", "auditors:list_auditors")
    add = add_command(group, say, "auditor.add", "auditors:add_auditor")
    add.add_argument("jwk", metavar="JWK", help=say("help_machine_jwk"))
    add.add_argument("officer", metavar="OFF", help=say("help_officer"))
    add.add_argument("--with", dest="approver", metavar="OFF", required=True, help=say("help_with"))
    revoke = add_command(group, say, "auditor.revoke", "auditors:revoke_auditor")
    revoke.add_argument("machine", metavar="MACHINE", help=say("help_auditor_number"))
    for parser in (add, revoke):
        _add_by(parser, say, required=True)
    for parser in (listing, add, revoke):
        add_json(parser, say)


def _person(group: "Commands[Parser]", say: Say, name: str, handler: str) -> Parser:
    parser = add_command(group, say, name, handler)
    parser.add_argument("officer", metavar="OFF", help=say("help_officer"))
    return parser


def _add_by(parser: Parser, say: Say, *, required: bool = False) -> None:
    parser.add_argument("--by", metavar="OFF", required=required, help=say("help_by"))
    add_software_key(parser, say)


def _add_with(parser: Parser, say: Say) -> None:
    parser.add_argument("--with", dest="approver", metavar="OFF", help=say("help_with"))


def _add_window(parser: Parser, say: Say) -> None:
    parser.add_argument("--from", dest="starts", metavar=say("a_day"), help=say("help_from"))
    parser.add_argument("--until", metavar=say("a_day"), help=say("help_until"))
