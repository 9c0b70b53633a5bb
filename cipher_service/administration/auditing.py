"""`cipher-service audit`: the log, for those who check what the service did (article 12)."""

from argparse import Namespace
from pathlib import Path

from cipher_service.administration.installation import custodian_of, journal_of, opened
from cipher_service.administration.words import Speaker
from cipher_service.audit.export import export, export_records
from cipher_service.audit.ledger import latest_note
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.storage.unit_of_work import reading


def export_log(arguments: Namespace, terminal: Terminal) -> None:
    """Write the log up to its last signed head, and on demand its records for an auditor.

    Raises:
        Refused: LOG_EMPTY.
        LogDamaged: rows are missing.
        OSError: the disk refuses.
    """
    speaker, out = Speaker(terminal), Path(arguments.out)
    with opened(arguments) as installation, custodian_of(installation.settings) as custodian:
        origin = installation.settings.log_origin
        with reading(installation.engine) as connection:
            if latest_note(connection)[0] == 0:
                raise Refused("LOG_EMPTY")
            key = custodian.log_keys().note_key(origin)
            size = export(connection, key, out)
        written = None
        if arguments.records:
            # Reading the records is an act like another: it stands in the log before it is done.
            with (
                journal_of(installation).effect("audit_records"),
                reading(installation.engine) as connection,
            ):
                path = Path(arguments.records)
                written = export_records(connection, path, first=0, end=size)
    if terminal.as_json:
        terminal.show_json({"origin": origin, "entries": size, "records": written})
        return
    speaker.show("audit_exported", origin=origin, entries=size, folder=str(out))
    if written is not None:
        speaker.show("audit_records_written", count=written, path=arguments.records)
