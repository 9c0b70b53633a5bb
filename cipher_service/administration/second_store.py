"""A second store, on another disk or host: what is acknowledged stands there too, before it is.

cipher-service backup second --at /mnt/second     begin; then make a backup
cipher-service backup second --end                tell it nothing any more
"""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from cipher_service.administration.backing_up import KEY
from cipher_service.administration.installation import installation_at, journal_of
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.settings import Settings
from cipher_service.storage.second_store import begin, end
from keys.custody.backups import BackupKey


def second(arguments: Namespace, terminal: Terminal) -> None:
    """Begin a second store, or end it; either stands in the log.

    `--database` names it as its owner, who alone may change tables (deploy/postgresql).

    Raises:
        Refused: BACKUP_WITHOUT_KEY, SECOND_STORE_UNFIT, SECOND_STORE_NONE.
        OSError: the folder cannot be written; nothing changed.
    """
    settings = Settings.load(Path(arguments.data))
    if arguments.database:
        settings = replace(settings, database_url=arguments.database)
    speaker = Speaker(terminal)
    with installation_at(settings) as installation:
        journal = journal_of(installation)
        if arguments.end:
            with journal.act("second_store_end") as act:
                if not end(act):
                    raise Refused("SECOND_STORE_NONE")
            speaker.show("second_store_ended")
            return
        folder = Path(arguments.at).resolve()
        if folder.is_relative_to(settings.data) or not folder.is_dir():
            raise Refused("SECOND_STORE_UNFIT", path=str(folder))
        try:
            key = BackupKey.parse((settings.data / KEY).read_bytes())
        except FileNotFoundError:
            raise Refused("BACKUP_WITHOUT_KEY") from None
        with journal.act("second_store_begin", key.fingerprint[:32]) as act:
            name = begin(act, folder, settings.data, key)
    speaker.show("second_store_begun", path=str(folder / name))
    speaker.say("second_store_next")
