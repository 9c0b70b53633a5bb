"""The papers of the tests: one specimen of each, and what an eye sees of them."""

import ctypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from cipher_service.labels.scheme import default_scheme
from keys.custody.shares import HOLDERS_MAX
from pouch.defects import KINDS as KINDS_OF_DEFECT
from pouch.defects import Act
from pouch.discrepancies import KINDS, recipients_of
from pouch.drill import Drill, make_drill
from pouch.drill_marking import Answer, Answers, Solution, mark
from pouch.empties import EmptyBag
from pouch.locator import grouped_locator
from pouch.manifest import BagClass, Carrier, Manifest, Mode
from pouch.papers.bag import bordereau
from pouch.papers.correction import rectification_paper
from pouch.papers.exercise import result_sheet, station_folder
from pouch.papers.forms import (
    BagReference,
    Destroyed,
    Destruction,
    DiscrepancyReport,
    Empties,
    Finding,
    Notice,
    Receipt,
    Signatory,
    destruction_record,
    discrepancy_report,
    empties,
    receipt,
)
from pouch.papers.letters import Issue, Package, captain_letter, count_check, courier_letter
from pouch.papers.printing import Language, render
from pouch.places import OF_BAG, OF_LINE, Change
from pouch.sealed import seal_manifest
from tests.support.rectifying import rectification
from tests.support.valise import CLOSED, NONCE, SEALS, manifest, waybill
from tests.vectors.forge import identity

MILLIMETRES_PER_INCH: Final = 25.4
# Every value of the papers in two languages says this, so that what is left are the papers' words.
VALUE: Final = "X1"

ISSUE: Final = Issue(
    ministry_fr="République du Cameroun\nMinistère des Relations extérieures",
    ministry_en="Republic of Cameroon\nMinistry of External Relations",
    place="Yaoundé",
    issued=CLOSED,
    until=CLOSED + timedelta(days=10),
    name="Emmanuel Atangana",
    function="Chef de service",
)
BAG: Final = BagReference(grouped_locator("4820193746510293847561"), 1, 2, "YAOUNDE", "PARIS")
SIGNATORIES: Final = (Signatory(VALUE, VALUE), Signatory(VALUE, None), Signatory(VALUE, VALUE))


def levels(language: Language) -> Mapping[str, str]:
    return {level.code: getattr(level, language) for level in default_scheme().levels}


def packages(count: int, seals: tuple[str, ...] = SEALS) -> tuple[Package, ...]:
    return tuple(Package(ordinal, seals, 8_450) for ordinal in range(1, count + 1))


def inside(value: Manifest, language: Language = "fr", issuer: str = VALUE) -> bytes:
    return bordereau(
        value,
        language,
        issuer=issuer,
        levels=levels(language),
        nonce=NONCE.hex(),
        root="1f" * 32,
    )


def made_receipt(value: str = VALUE, **changes: Any) -> Receipt:
    members: dict[str, Any] = {
        "number": "2026/000051",
        "issuer": value,
        "bag": BAG,
        "handed_over_by": value,
        "received": CLOSED,
        "place": value,
        "seals_announced": SEALS,
        "seals_read": SEALS,
        "condition": "intact",
        "weight_closed_g": 8_450,
        "weight_received_g": 8_440,
        "lines_announced": 3,
        "lines_conforming": 3,
        "reserves": (),
        "nonce": NONCE.hex(),
        "signatories": SIGNATORIES,
    }
    return Receipt(**{**members, **changes})


def made_report(value: str = VALUE) -> DiscrepancyReport:
    return DiscrepancyReport(
        number="2026/000007",
        issuer=value,
        severity="breach",
        bag=BAG,
        noticed=CLOSED,
        place=value,
        noticed_by=value,
        findings=(
            *(Finding(kind, 1, "2026/000001", value, value) for kind in KINDS),
            Finding("unlisted"),
        ),
        circumstances=value,
        effect=value,
        measures=value,
        notices=tuple(
            Notice(recipient, CLOSED, informed)
            for recipient in recipients_of("breach", BagClass.SECRET)
            for informed in (CLOSED, None)
        ),
        signatories=SIGNATORIES,
    )


def made_empties(count: int = 2) -> Empties:
    bags = tuple(
        EmptyBag(f"{number:022d}", "PARIS", CLOSED, 3, 50 if number % 2 else None, number % 2 == 0)
        for number in range(1, count + 1)
    )
    return Empties("2026/000019", VALUE, "PARIS", "YAOUNDE", CLOSED, bags, SIGNATORIES[:2])


def made_destruction(value: str = VALUE) -> Destruction:
    return Destruction(
        number="2026/000002",
        issuer=value,
        ordered_by=value,
        method=value,
        destroyed=CLOSED,
        place=value,
        objects=(
            Destroyed("seal", "MX-1001", value),
            Destroyed("bag", "MX-1002", value),
            Destroyed("item", "MX-1003", value),
            Destroyed("label", "MX-1004", value),
            Destroyed("controlled", "MX-1005", value),
        ),
        signatories=SIGNATORIES,
    )


def made_splitting(language: Language, count: int = 3) -> bytes:
    """Some holders have confirmed, the others have not."""
    holders = tuple(
        {"code": f"A-{one}", "card": "1f" * 32, "at": CLOSED if one % 2 else None}
        for one in range(1, count + 1)
    )
    paper = {
        "number": "1f" * 16,
        "issuer": VALUE,
        "made": CLOSED,
        "reason": VALUE,
        "threshold": "2",
        "fingerprint": "2e" * 32,
        "holders": holders,
    }
    return render("splitting", paper, language, made=CLOSED, level="A9")


def made_ceremony(language: Language, count: int = 3) -> bytes:
    paper = {
        "number": "A9-1",
        "issuer": VALUE,
        "state": VALUE,
        "made": CLOSED,
        "ended": CLOSED,
        "reason": VALUE,
        "end_reason": VALUE,
        "threshold": "2",
        "fingerprint": "2e" * 32,
        "holders": tuple(
            {"code": f"A-{one}", "name": VALUE, "card": "1f" * 32} for one in range(1, count + 1)
        ),
        "confirmed": tuple(
            {"name": VALUE, "officer": f"OFF-{one:06d}", "at": CLOSED if one % 2 else None}
            for one in range(1, count + 1)
        ),
        "outcome": VALUE,
        "signatories": tuple(
            {"capacity": VALUE, "name": f"Nom-{one}."} for one in range(1, count + 1)
        ),
    }
    return render("ceremony", paper, language, made=CLOSED, level="A9")


def made_certified(language: Language, count: int) -> bytes:
    """A receipt that many sign."""
    signatories = tuple(Signatory(VALUE, f"Nom-{one}.") for one in range(1, count + 1))
    return receipt(made_receipt(signatories=signatories), language, "A9")


def made_rectification(language: Language, *, witnessed: bool = True) -> bytes:
    """Every value that a rectification may put right, as a clerk wrote it."""
    whole = manifest(3)
    changes = tuple(
        Change(line, what, *((8_450, 9_450) if what == "weight" else (VALUE, None)))
        for line, places in ((None, OF_BAG), (2, OF_LINE))
        for what in places
    )
    statement = rectification(
        seal_manifest(whole, sealer=identity("YAOUNDE")),
        name=VALUE,
        function=VALUE,
        reason=VALUE,
        changes=tuple(
            change
            if change.what in {"weight", "passport", "vehicle", "enclosure"}
            else replace(change, now="X2")
            for change in changes
        ),
    )
    return rectification_paper(
        statement, whole, language, levels=levels(language), witnessed=witnessed
    )


def made_drill(defects: int = 14) -> Drill:
    return make_drill("un mot pour les papiers", bags=18, defects=defects, at=CLOSED)


def drill_station(language: Language, number: int = 1) -> dict[str, bytes]:
    drill = made_drill()
    levels = default_scheme().level_names(language)
    station = drill.stations[number - 1]
    return station_folder(drill, station, Solution.of(drill).hash, language, levels)


def drill_result(language: Language, defects: int = 14) -> bytes:
    """Every third answer wrong, each in another way."""
    solution = Solution.of(made_drill(defects))
    given = []
    for number, defect in enumerate(solution.defects):
        right = Act.ACCEPT if defect is None else KINDS_OF_DEFECT[defect].act
        names = [] if defect is None else sorted(KINDS_OF_DEFECT[defect].names)
        named = names[0] if names and number % 4 else None
        other = Act.REFUSE if right is Act.ACCEPT else Act.ACCEPT if number % 2 else Act.RESERVE
        wrong = number % 3 == 0
        kept = None if wrong and other is Act.ACCEPT else named
        given.append(Answer(other if wrong else right, kept))
    result = mark(solution, Answers(solution.hash, tuple(given)))
    return result_sheet(result, solution, language, made=CLOSED, trainee=None)


SINGLE: Final[Mapping[str, Callable[[Language], bytes]]] = {
    "bordereau": lambda language: inside(manifest(3), language),
    "receipt": lambda language: receipt(made_receipt(), language, "A9"),
    "receipt with reserves": lambda language: receipt(
        made_receipt(reserves=made_report().findings, seals_read=(), weight_received_g=None),
        language,
        "A9",
    ),
    "receipt of a closed bag": lambda language: receipt(made_receipt(nonce=None), language, "A9"),
    "discrepancy": lambda language: discrepancy_report(made_report(), language, "A9"),
    "empties": lambda language: empties(made_empties(), language, "A9"),
    "rectification": made_rectification,
    "rectification by one": lambda language: made_rectification(language, witnessed=False),
    "destruction": lambda language: destruction_record(made_destruction(), language, "A9"),
    "splitting": made_splitting,
    "splitting among the most": lambda language: made_splitting(language, HOLDERS_MAX),
    "ceremony": made_ceremony,
    "ceremony of many": lambda language: made_ceremony(language, 24),
}
EXERCISES: Final[Mapping[str, Callable[[Language], bytes]]] = {
    "drill": lambda language: drill_station(language)["sheet.pdf"],
    "bordereau of a drill": lambda language: drill_station(language)["bordereau.pdf"],
    "result of a drill": drill_result,
    "result of a drill without defects": lambda language: drill_result(language, 0),
}
CAPTAIN: Final = waybill(
    mode=Mode.CAPTAIN, carrier=Carrier("MBARGA Hélène", VALUE, None, "QC 301, TJ-QCA")
)
SIDE_BY_SIDE: Final[Mapping[str, Callable[[], bytes]]] = {
    "courier": lambda: courier_letter(waybill(), packages(2), ISSUE),
    "courier ad hoc": lambda: courier_letter(
        waybill(mode=Mode.AD_HOC), packages(2), ISSUE, purpose=VALUE
    ),
    "captain": lambda: captain_letter(CAPTAIN, packages(2), ISSUE, taken_by=VALUE),
    "captain without a flight": lambda: captain_letter(
        waybill(mode=Mode.CAPTAIN, carrier=Carrier("MBARGA Hélène", VALUE, None, None)),
        packages(2),
        ISSUE,
        taken_by=VALUE,
    ),
    "count": lambda: count_check(waybill()),
}


def pages(pdf: bytes) -> tuple[str, ...]:
    """The text of each page, its white space as single spaces."""
    document = pypdfium2.PdfDocument(pdf)
    return tuple(" ".join(page.get_textpage().get_text_range().split()) for page in document)


def text(pdf: bytes) -> str:
    return " ".join(pages(pdf))


def pictures(pdf: bytes, *, dpi: int = 150) -> tuple[Image.Image, ...]:
    """Each page in grey, as a laser printer gets it."""
    document = pypdfium2.PdfDocument(pdf)
    return tuple(
        page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document
    )


def tags(pdf: bytes) -> Iterator[tuple[str, str]]:
    """The roles that a screen reader finds, in order, each with its alternative text or ""."""
    for page in pypdfium2.PdfDocument(pdf):
        tree = pdfium.FPDF_StructTree_GetForPage(page)
        for index in range(pdfium.FPDF_StructTree_CountChildren(tree)):
            yield from _tags(pdfium.FPDF_StructTree_GetChildAtIndex(tree, index))
        pdfium.FPDF_StructTree_Close(tree)


def _tags(element: object) -> Iterator[tuple[str, str]]:
    yield tuple(  # type: ignore[misc]  # two texts
        _text(read, element)
        for read in (pdfium.FPDF_StructElement_GetType, pdfium.FPDF_StructElement_GetAltText)
    )
    for index in range(pdfium.FPDF_StructElement_CountChildren(element)):
        # What is not an element (marked content) has no child at its index.
        if child := pdfium.FPDF_StructElement_GetChildAtIndex(element, index):
            yield from _tags(child)


def _text(read: Callable[[object, object, int], int], element: object) -> str:
    size = read(element, None, 0)
    buffer = ctypes.create_string_buffer(size)
    read(element, buffer, size)
    return buffer.raw.decode("utf-16-le").rstrip("\0")
