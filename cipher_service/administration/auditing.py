"""`cipher-service audit`: the log, for those who check what the service did (article 12)."""

from argparse import Namespace
from pathlib import Path

from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    journal_of,
    opened,
)
from cipher_service.administration.words import Speaker
from cipher_service.audit.export import export, export_month, export_records
from cipher_service.audit.ledger import latest_note
from cipher_service.audit.signers import Signers
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal
from cipher_service.storage.unit_of_work import reading
from keys.verifier.month import MONTH


def export_log(arguments: Namespace, terminal: Terminal) -> None:
    """Write the log up to its last signed head, and on demand its records for an auditor.

    Raises:
        Refused: LOG_EMPTY, MONTH_EMPTY.
        Misused: MONTH_MALFORMED.
        LogDamaged: rows are missing.
        OSError: the disk refuses.
    """
    out = Path(arguments.out)
    month = arguments.month
    if month is not None and not MONTH.fullmatch(month):
        raise Misused("MONTH_MALFORMED", given=month)
    with opened(arguments) as installation, custodian_of(installation.settings) as custodian:
        with reading(installation.engine) as connection:
            if latest_note(connection)[0] == 0:
                raise Refused("LOG_EMPTY")
        signers = Signers.of(custodian, installation.settings.log_origin)
        if month is None:
            _export_whole(installation, signers, out, arguments.records, terminal)
        else:
            _export_month(installation, signers, out, month, terminal)


def _export_whole(
    installation: Installation, signers: Signers, out: Path, records: str | None, terminal: Terminal
) -> None:
    speaker, origin = Speaker(terminal), installation.settings.log_origin
    with reading(installation.engine) as connection:
        size = export(connection, signers, out)
    written = None
    if records:
        # Reading the records is an act like another: it stands in the log before it is done.
        with (
            journal_of(installation).effect("audit_records"),
            reading(installation.engine) as connection,
        ):
            written = export_records(connection, Path(records), first=0, end=size)
    if terminal.as_json:
        terminal.show_json({"origin": origin, "entries": size, "records": written})
        return
    speaker.show("audit_exported", origin=origin, entries=size, folder=str(out))
    if records and written is not None:
        speaker.show("audit_records_written", count=written, path=records)


def _export_month(
    installation: Installation, signers: Signers, out: Path, month: str, terminal: Terminal
) -> None:
    with (
        journal_of(installation).effect("audit_records", month),
        reading(installation.engine) as connection,
    ):
        found = export_month(connection, signers, out, month)
        if found is None:
            raise Refused("MONTH_EMPTY", month=month)
    if terminal.as_json:
        terminal.show_json({"month": month, "first": found.first, "end": found.end})
        return
    Speaker(terminal).show(
        "audit_month_written", month=month, first=found.first, end=found.end, folder=str(out)
    )
