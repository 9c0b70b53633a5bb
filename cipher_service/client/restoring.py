"""`chiffre identity restored`: after a backup was put back, every series begins a new incarnation.

The folder no longer knows which numbers were given after the backup was made. Giving one of them
again would be a double, which every receiver refuses; so the rest of the year counts from 1 in an
incarnation that nothing was numbered in. A folder cannot know how often it was put back: two that
were made of one backup would open the same incarnation. So the week of the year has a part in it,
and whoever restores twice in a week says with `--after` what any addressee can read in its list.
"""

from argparse import Namespace
from pathlib import Path

from cipher_service import clock
from cipher_service.client.enciphering import settle
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.messages import phrase
from cipher_service.client.passphrases import require_identity
from cipher_service.client.state import PostState
from cipher_service.client.terminal import Terminal
from cipher_service.references import restored_epoch, series_epoch


def restored(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre identity restored`."""
    folder = Path(arguments.identity)
    require_identity(folder)
    now = clock.now()
    first, end = series_epoch(now.year), series_epoch(now.year + 1)
    if arguments.after is not None and not first <= arguments.after < end:
        raise Misused("EPOCH_OF_ANOTHER_YEAR", given=arguments.after, year=now.year)
    with PostState(folder) as state, state.exclusive(lambda: terminal.say("waiting")):
        settle(state)
        known = [state.numbers.latest_epoch(now.year), arguments.after]
        epoch = max(restored_epoch(now), *(each + 1 for each in known if each is not None))
        if epoch >= end:
            raise Refused("INCARNATIONS_EXHAUSTED", year=now.year)
        state.numbers.reopen(epoch)
    if terminal.as_json:
        terminal.show_json({"epoch": epoch})
    else:
        terminal.show(phrase("series_reopened", terminal.language, epoch=epoch))
        terminal.say("series_reopened_tell")
