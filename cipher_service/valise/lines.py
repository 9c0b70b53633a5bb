"""`valise prove` and `valise line`: one line of a bordereau shown without the others, and checked.

A service that asks for its own letter is shown its own line; the path in the tree proves that the
line stands in the very bordereau that the bag's seal covers, and the salts hide the rest.
"""

from argparse import Namespace
from pathlib import Path

from cipher_service import clock
from cipher_service.client.drafting import read_card_file
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Refused
from cipher_service.client.lines import show_lines
from cipher_service.client.terminal import Terminal
from cipher_service.valise.reading import read_bounded, read_scanned
from pouch.bordereau import MANIFEST_BYTES_MAX, prove_line, read_line
from pouch.members import item_object
from pouch.sealed import SEALED_BYTES_MAX, read_sealed
from pouch.verdict import Trust, judge


def prove(arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise prove`."""
    sealed = read_sealed(read_bounded(arguments.manifest, SEALED_BYTES_MAX))
    if not 1 <= arguments.line <= len(sealed.manifest.items):
        raise Refused("LINE_ABSENT", line=arguments.line, lines=len(sealed.manifest.items))
    proof = prove_line(sealed.manifest, arguments.line)
    write_durably(Path(arguments.out), proof + b"\n")
    if terminal.as_json:
        terminal.show_json({"line": arguments.line, "path": arguments.out})
        return
    show_lines(terminal, [("line_items", str(arguments.line)), ("line_files", str(arguments.out))])


def line(arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise line`; the seal is judged first, then the line held against its digest."""
    text = read_scanned(arguments.seal)
    trust = Trust([read_card_file(name) for name in arguments.trust])
    verdict = judge(text, trust=trust, at=clock.now())
    if verdict.claims is None or not verdict.genuine:
        raise Refused("LINE_SEAL_REFUSED", verdict=str(verdict.name))
    proof = read_bounded(arguments.proof, MANIFEST_BYTES_MAX).removesuffix(b"\n")
    item = read_line(proof, verdict.claims.digest)
    if terminal.as_json:
        told = item_object(item)
        del told["salt"]
        terminal.show_json({"seal": verdict.claims.seal, "item": told})
        return
    show_lines(
        terminal,
        [
            ("line_items", str(item.line)),
            ("line_register", item.register),
            ("line_from_to", f"{item.sender} > {item.addressee}"),
            ("line_bag", f"{item.kind}, {item.level}, {item.quantity}, {item.weight_g} g"),
            ("line_enclosure", item.enclosure or "-"),
        ],
    )
