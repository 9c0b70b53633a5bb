"""What can be typed after `cipher-service pouch`."""

from cipher_service.administration.parsing import (
    Commands,
    add_command,
    add_group,
    add_json,
    add_software_key,
)
from cipher_service.client.arguments import Parser, Say
from pouch.classes import PRESETS, PROHIBITED
from pouch.discrepancies import ASSESSED, CLOSED, NOTIFIED, REPORTABLE
from pouch.facts import BROKEN, DAMAGED, INTACT, MISSING
from pouch.manifest import BagClass, ItemKind, Mode
from pouch.stock import BOLT, LEAD, PLASTIC, WAX

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CONDITIONS = (INTACT, DAMAGED, BROKEN, MISSING)


def add_pouch(commands: "Commands[Parser]", say: Say, client: Say) -> None:
    """Add the group of the pouch bureau.

    Args:
        commands: of the whole program.
        say: phrases of this program.
        client: phrases of `chiffre` and `valise`, for the options that they have too.
    """
    group = add_group(commands, say, "pouch")
    _add_planning(group, say)
    _add_hand_in(group, say)
    _add_make_up(group, say)
    _add_sealing(group, say, client)
    _add_carriage(group, say)
    _add_arrival(group, say)
    _add_views(group, say)
    _add_cases(group, say)
    _add_seals(group, say)
    _add_papers(group, say)


def _add_planning(group: "Commands[Parser]", say: Say) -> None:
    route = _act(group, say, "pouch.route", "timetables:add_route")
    route.add_argument("code", metavar="CODE", help=say("help_route"))
    route.add_argument(
        "--leg", metavar="A:B:MIN", action="append", required=True, help=say("help_leg")
    )
    route.add_argument("--limits", choices=sorted(PRESETS), default="UN", help=say("help_limits"))
    route.add_argument(
        "--tolerance", type=int, default=200, metavar="G", help=say("help_tolerance")
    )
    route.add_argument("--news", type=int, default=24, metavar="H", help=say("help_news"))
    plan = _act(group, say, "pouch.plan", "timetables:plan")
    plan.add_argument("route", metavar="CODE", help=say("help_route"))
    plan.add_argument(
        "--mode", choices=[mode.value for mode in Mode], required=True, help=say("help_mode")
    )
    plan.add_argument(
        "--day", choices=DAYS, action="append", required=True, help=say("help_weekday")
    )
    plan.add_argument("--at", metavar="HH:MM", required=True, help=say("help_hour"))
    plan.add_argument("--cut-off", type=int, default=0, metavar="H", help=say("help_cut_off"))
    plan.add_argument("--takes", type=int, required=True, metavar="H", help=say("help_takes"))
    plan.add_argument("--weeks", type=int, default=4, help=say("help_weeks"))
    waybill = _act(group, say, "pouch.waybill", "timetables:entrust")
    waybill.add_argument("departure", metavar="D", help=say("help_departure"))
    for name in ("number", "consignee", "carrier", "status"):
        waybill.add_argument(f"--{name}", required=True, help=say(f"help_waybill_{name}"))
    waybill.add_argument("--packages", type=int, required=True, help=say("help_packages"))
    for name in ("passport", "vehicle"):
        waybill.add_argument(f"--{name}", help=say(f"help_waybill_{name}"))
    waybill.add_argument("--via", action="append", default=[], help=say("help_via"))
    waybill.add_argument("--courier", metavar="OFF", help=say("help_courier"))
    bag = _act(group, say, "pouch.bag", "pouches:add_bag")
    bag.add_argument("--cycles", type=int, metavar="N", help=say("help_cycles"))
    bag.add_argument("--sides", type=int, nargs=3, metavar="CM", help=say("help_sides"))
    machine = _act(group, say, "pouch.machine", "machines:connect")
    machine.add_argument("jwk", metavar="JWK", nargs="?", help=say("help_machine_jwk"))


def _add_hand_in(group: "Commands[Parser]", say: Say) -> None:
    piece = _act(group, say, "pouch.hand-in", "pouches:hand_in")
    dispatch = _act(group, say, "pouch.hand-in-dispatch", "pouches:hand_in_dispatch")
    dispatch.add_argument("dispatch", metavar="ID", help=say("help_dispatch"))
    for parser in (piece, dispatch):
        parser.add_argument("--to", metavar="CODE", required=True, help=say("help_post_code"))
        parser.add_argument(
            "--weight", type=int, required=True, metavar="G", help=say("help_weight_g")
        )
    for name in ("register", "sender", "addressee", "level"):
        piece.add_argument(f"--{name}", required=True, help=say(f"help_piece_{name}"))
    piece.add_argument(
        "--kind",
        choices=[kind.value for kind in ItemKind if kind is not ItemKind.DISPATCH],
        default=ItemKind.LETTER.value,
        help=say("help_piece_kind"),
    )
    piece.add_argument("--quantity", type=int, default=1, help=say("help_piece_quantity"))
    piece.add_argument("--enclosure", help=say("help_piece_enclosure"))
    waiting = add_command(group, say, "pouch.waiting", "pouches:list_waiting")
    waiting.add_argument("--to", metavar="CODE", help=say("help_post_code"))
    add_json(waiting, say)


def _add_make_up(group: "Commands[Parser]", say: Say) -> None:
    begin = _act(group, say, "pouch.begin", "pouches:begin")
    begin.add_argument("departure", metavar="D", help=say("help_departure"))
    begin.add_argument("bag", metavar="LOCATOR", help=say("help_locator"))
    begin.add_argument(
        "bag_class", choices=[each.value for each in BagClass], help=say("help_bag_class")
    )
    scan = _act(group, say, "pouch.scan", "pouches:scan")
    out = _act(group, say, "pouch.take-out", "pouches:take_out")
    for parser in (scan, out):
        parser.add_argument("seal", metavar="SEAL", help=say("help_closing"))
    scan.add_argument("number", metavar="N", nargs="+", help=say("help_piece_number"))


def _add_sealing(group: "Commands[Parser]", say: Say, client: Say) -> None:
    seal = _act(group, say, "pouch.seal", "pouches:seal", pair=True)
    seal.add_argument("seal", metavar="SEAL", help=say("help_closing"))
    seal.add_argument(
        "--seal-number", metavar="N", action="append", required=True, help=say("help_seal_number")
    )
    seal.add_argument("--weight", type=int, required=True, metavar="G", help=say("help_weight_g"))
    seal.add_argument("--certifier", metavar="OFF", help=say("help_certifier"))
    seal.add_argument(
        "--checked", choices=sorted(PROHIBITED), action="append", required=True,
        help=say("help_checked"),
    )  # fmt: skip
    seal.add_argument("--days", type=int, default=30, help=say("help_seal_days"))
    papers = _act(group, say, "pouch.papers", "pouches:papers")
    papers.add_argument("seal", metavar="SEAL", help=say("help_closing"))
    rectify = _bag(group, say, "pouch.rectify", "rectifications:rectify", pair=True)
    rectify.add_argument(
        "--set", metavar="P=V", action="append", required=True, help=client("help_rectify_set")
    )
    rectify.add_argument("--reason", metavar="R", required=True, help=client("help_rectify_reason"))
    for parser in (seal, rectify):
        parser.add_argument("--witness", metavar=say("a_folder"), help=client("help_witness"))
        parser.add_argument(
            "--witness-passphrase-file",
            metavar=say("a_file"),
            help=client("help_witness_passphrase"),
        )
    for parser in (seal, papers, rectify):
        parser.add_argument("-o", "--output", metavar=say("a_folder"), required=True)
    announce = _act(group, say, "pouch.announce", "pouches:announce")
    announce.add_argument("seal", metavar="SEAL", nargs="*", help=say("help_closing"))
    announce.add_argument("--authority", required=True, help=say("help_authority"))


def _add_carriage(group: "Commands[Parser]", say: Say) -> None:
    hand_over = _bag(group, say, "pouch.hand-over", "carriage:hand_over")
    hand_over.add_argument("--to", metavar="OFF", required=True, help=say("help_taker"))
    _add_condition(hand_over, say)
    count = _act(group, say, "pouch.count", "carriage:count")
    count.add_argument("departure", metavar="D", help=say("help_departure"))
    count.add_argument("locator", metavar="LOCATOR", nargs="+", help=say("help_locator"))
    count.add_argument("--place", metavar="CODE", help=say("help_count_place"))
    _bag(group, say, "pouch.lose", "carriage:lose")
    _bag(group, say, "pouch.recall", "carriage:recall")
    _bag(group, say, "pouch.recover", "carriage:recover", pair=True)


def _add_arrival(group: "Commands[Parser]", say: Say) -> None:
    receive = _bag(group, say, "pouch.receive", "carriage:receive")
    receive.add_argument(
        "--seal-number", metavar="N", action="append", default=[], help=say("help_seal_read")
    )
    receive.add_argument("--weight", type=int, metavar="G", help=say("help_weight_g"))
    _add_condition(receive, say)
    _bag(group, say, "pouch.open", "carriage:open_bag", pair=True)
    account = _bag(group, say, "pouch.account", "carriage:account", pair=True)
    account.add_argument("--nonce", required=True, help=say("help_nonce"))
    account.add_argument(
        "--found", metavar="L=N", action="append", default=[], help=say("help_found")
    )
    for name in ("damaged", "misdirected"):
        account.add_argument(
            f"--{name}", metavar="L", type=int, action="append", default=[],
            help=say(f"help_{name}"),
        )  # fmt: skip
    account.add_argument("--unlisted", type=int, default=0, help=say("help_unlisted"))
    destroy = _bag(group, say, "pouch.destroy", "carriage:destroy", pair=True)
    destroy.add_argument("line", metavar="L", type=int, nargs="+", help=say("help_line"))
    destroy.add_argument("--ordered-by", required=True, help=say("help_ordered_by"))
    destroy.add_argument("--method", required=True, help=say("help_method"))


def _add_views(group: "Commands[Parser]", say: Say) -> None:
    _act(group, say, "pouch.overview", "carriage:overview")
    _act(group, say, "pouch.departures", "carriage:list_departures")
    _act(group, say, "pouch.empties", "carriage:list_empties")
    back = _act(group, say, "pouch.take-back", "carriage:take_back")
    back.add_argument(
        "--from", dest="origin", metavar="CODE", required=True, help=say("help_post_code")
    )
    back.add_argument("--bordereau", metavar="N", required=True, help=say("help_empties_number"))
    back.add_argument("locator", metavar="LOCATOR", nargs="+", help=say("help_locator"))
    read = _act(group, say, "pouch.readings", "readings:take_in")
    read.add_argument("--take-in", action="store_true", help=say("help_readings_take_in"))
    read.add_argument("file", metavar=say("a_file"), help=say("help_readings_file"))
    _act(group, say, "pouch.keys", "carriage:list_keys")
    shares = _act(group, say, "pouch.shares", "carriage:show_shares")
    shares.add_argument("number", metavar="N", nargs="+", help=say("help_piece_number"))
    shares.add_argument(
        "--threshold", type=int, required=True, metavar="T", help=say("help_shares_threshold")
    )
    _bag(group, say, "pouch.show", "carriage:show")
    epcis = _bag(group, say, "pouch.epcis", "carriage:epcis")
    epcis.add_argument("--authority", required=True, metavar="URI", help=say("help_epcis"))
    epcis.add_argument("-o", "--output", metavar=say("a_file"))


def _add_cases(group: "Commands[Parser]", say: Say) -> None:
    report = _bag(group, say, "pouch.report", "carriage:report")
    report.add_argument("kind", choices=REPORTABLE, help=say("help_case_kind"))
    _act(group, say, "pouch.cases", "carriage:list_cases")
    advance = _act(group, say, "pouch.case", "carriage:advance")
    breach = _act(group, say, "pouch.breach", "carriage:raise_case")
    for parser in (advance, breach):
        parser.add_argument("case", metavar="ID", help=say("help_case"))
    advance.add_argument("state", choices=(NOTIFIED, ASSESSED, CLOSED), help=say("help_case_state"))


def _add_seals(group: "Commands[Parser]", say: Say) -> None:
    seals = add_group(group, say, "pouch.seals")
    take_in = _act(seals, say, "pouch.seals.take-in", "physical_seals:take_in", pair=True)
    take_in.add_argument(
        "--type", choices=(WAX, LEAD, PLASTIC, BOLT), required=True, help=say("help_seal_type")
    )
    take_in.add_argument("--strength", choices=("I", "S", "H"), help=say("help_strength"))
    issue = _act(seals, say, "pouch.seals.issue", "physical_seals:issue", pair=True)
    issue.add_argument("count", metavar="N", type=int, help=say("help_seal_count"))
    void = _act(seals, say, "pouch.seals.void", "physical_seals:void", pair=True)
    destroy = _act(seals, say, "pouch.seals.destroy", "physical_seals:destroy", pair=True)
    for parser in (take_in, void, destroy):
        parser.add_argument("number", metavar="N", nargs="+", help=say("help_seal_number"))
    balance = _act(seals, say, "pouch.seals.balance", "physical_seals:balance")
    balance.add_argument("shown", metavar="N", nargs="*", help=say("help_seals_shown"))


def _add_papers(group: "Commands[Parser]", say: Say) -> None:
    papers = add_group(group, say, "pouch.paper")
    receipt = _bag(papers, say, "pouch.paper.receipt", "bag_papers:receipt")
    report = _act(papers, say, "pouch.paper.discrepancy", "bag_papers:discrepancy")
    report.add_argument("case", metavar="ID", help=say("help_case"))
    for name in ("circumstances", "effect", "measures"):
        report.add_argument(f"--{name}", required=True, help=say(f"help_paper_{name}"))
    for parser in (receipt, report):
        parser.add_argument("--ordinal", type=int, metavar="N", help=say("help_paper_ordinal"))
    empties = _act(papers, say, "pouch.paper.empties", "bag_papers:empties")
    empties.add_argument("--to", metavar="CODE", required=True, help=say("help_post_code"))
    gone = _bag(papers, say, "pouch.paper.destruction", "bag_papers:destruction")
    gone.add_argument("--reason", required=True, help=say("help_paper_reason"))
    right = _bag(papers, say, "pouch.paper.rectification", "bag_papers:rectification")
    right.add_argument("--nth", type=int, metavar="N", help=say("help_paper_nth"))
    for parser in (receipt, report, empties, gone):
        parser.add_argument("--number", metavar="REG", required=True, help=say("help_paper_number"))
    for parser in (receipt, report, empties, gone, right):
        parser.add_argument("-o", "--output", metavar=say("a_file"), required=True)


def _act(
    group: "Commands[Parser]", say: Say, name: str, handler: str, *, pair: bool = False
) -> Parser:
    """Add what an officer does, or two do."""
    parser = add_command(group, say, name, handler)
    parser.add_argument("--by", metavar="OFF", required=True, help=say("help_by"))
    if pair:
        parser.add_argument(
            "--with", dest="approver", metavar="OFF", required=True, help=say("help_with")
        )
        add_software_key(parser, say, "with-software-key")
    add_software_key(parser, say)
    add_json(parser, say)
    return parser


def _bag(
    group: "Commands[Parser]", say: Say, name: str, handler: str, *, pair: bool = False
) -> Parser:
    """Add what is done with one bag."""
    parser = _act(group, say, name, handler, pair=pair)
    parser.add_argument("bag", metavar="BAG", help=say("help_bag_named"))
    return parser


def _add_condition(parser: Parser, say: Say) -> None:
    parser.add_argument(
        "--condition", choices=_CONDITIONS, default=INTACT, help=say("help_condition")
    )
