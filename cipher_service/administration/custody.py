"""The custodian's keys under seal: who opens them, who seals them, how their key is shared out.

The founding custodian opens with its credential. Once its unseal key is split, the holders named
then are the only ones who open it: each offers a share from a terminal of the machine, and the
commands that split anew bring enough of them to one terminal (decree 2013/112, article 12).
"""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from cipher_service import clock
from cipher_service.administration.installation import acting, custodian_of, own_store
from cipher_service.administration.words import Speaker
from cipher_service.client.drafting import read_card_file
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.passphrases import passphrase_to_open, require_identity
from cipher_service.client.terminal import Terminal
from cipher_service.directory.controlled_keys import enter_once
from cipher_service.errors import ServiceError
from cipher_service.settings import Settings, SettingsInvalid
from keys.cards import grouped
from keys.custody import CustodyState, read_credential
from keys.custody.book import Book
from keys.custody.lasting import ROOT_KEY
from keys.custody.shares import HOLDERS_MAX, THRESHOLD_LEAST, Holder, Share, open_share
from keys.custody.splitting import drill as prove
from keys.custody.splitting import resplit_store, split_store
from keys.errors import NotAddressed
from keys.identity import Identity, load_identity


def state(arguments: Namespace, terminal: Terminal) -> None:
    """Tell whether the bureau's keys are open, who can open them, and the root's fingerprint.

    The fingerprint is what is read by telephone to who takes a telephone into service.
    """
    with custodian_of(_settings(arguments)) as custodian:
        now = custodian.state()
        root = None
        if not now.sealed:
            # Not by its introduction: what is suspended is still told of.
            book = Book.parse(custodian.key_versions())
            root = book.of(f"{ROOT_KEY}/{custodian.card().post}")[-1].fingerprint
        _show(now, terminal, root)


def seal(arguments: Namespace, terminal: Terminal) -> None:
    """Seal the bureau's keys at once; one person suffices for what makes things safer."""
    with custodian_of(_settings(arguments)) as custodian:
        custodian.seal()
        _show(custodian.state(), terminal)


def offer(arguments: Namespace, terminal: Terminal) -> None:
    """Offer one holder's share to the running custodian.

    Raises:
        Refused: SHARE_OF_ANOTHER.
        KeysError: as `Custodian.offer_share`.
    """
    [share] = shares_of([arguments.share], [arguments.identity], arguments, terminal)
    with custodian_of(_settings(arguments)) as custodian:
        _show(custodian.offer_share(share.to_bytes()), terminal)


def split(arguments: Namespace, terminal: Terminal) -> None:
    """Split the unseal key of a custodian that its credential opens.

    Raises:
        Refused: SPLITTING_REFUSED or CUSTODIAN_APART.
        Misused: STORE_WITHOUT_CREDENTIAL.
        KeysError: as `keys.custody.splitting.split_store`.
    """
    store, credential = opened_by_credential(arguments)
    holders = holders_of(arguments)
    made = split_store(store, credential, arguments.threshold, holders)
    _tell_shares(made, terminal)
    _enter_shares(made, arguments, terminal)


def resplit(arguments: Namespace, terminal: Terminal) -> None:
    """Split the unseal key anew, by enough of its shares.

    Raises:
        Misused: SHARES_WITHOUT_IDENTITIES.
        Refused: SPLITTING_REFUSED, SHARE_OF_ANOTHER or CUSTODIAN_APART.
        KeysError: as `keys.custody.splitting.resplit_store`.
    """
    store, holders = store_of(arguments), holders_of(arguments)
    shares = shares_of(arguments.share, arguments.identity, arguments, terminal)
    made = resplit_store(store, shares, arguments.threshold, holders)
    _tell_shares(made, terminal)
    _enter_shares(made, arguments, terminal)


def drill(arguments: Namespace, terminal: Terminal) -> None:
    """Prove that shares still open the keys; nothing is opened.

    Raises:
        Misused: SHARES_WITHOUT_IDENTITIES.
        Refused: SHARE_OF_ANOTHER or CUSTODIAN_APART.
        KeysError: as `keys.custody.splitting.drill`.
    """
    store = store_of(arguments)
    shares = shares_of(arguments.share, arguments.identity, arguments, terminal)
    prove(store, shares)
    if terminal.as_json:
        terminal.show_json({"holders": [share.holder for share in shares], "open": True})
        return
    Speaker(terminal).show("custody_drill_done", count=len(shares))


def store_of(arguments: Namespace) -> Path:
    """Return the custodian's store that is named, else the one that this installation runs.

    Raises:
        Refused: CUSTODIAN_APART.
    """
    return Path(arguments.store) if arguments.store else own_store(_settings(arguments))


def opened_by_credential(arguments: Namespace) -> tuple[Path, bytes]:
    """Return a store as `store_of`, with its credential.

    Raises:
        Misused: STORE_WITHOUT_CREDENTIAL.
        Refused: CUSTODIAN_APART.
        KeysError, OSError: the credential cannot be read.
    """
    if (arguments.store is None) != (arguments.credential is None):
        raise Misused("STORE_WITHOUT_CREDENTIAL")
    store = store_of(arguments)
    file = arguments.credential or _settings(arguments).custodian_credential
    return store, read_credential(Path(file))


def _settings(arguments: Namespace) -> Settings:
    return Settings.load(Path(arguments.data))


def holders_of(arguments: Namespace) -> list[Holder]:
    """Return the holders whom `--holder` names by their cards.

    Raises:
        Refused: SPLITTING_REFUSED: with `--threshold` they would not be a splitting.
    """
    cards = [read_card_file(path) for path in arguments.holder]
    recipients = {card.recipient for card in cards}
    names = {card.post for card in cards}
    enough = THRESHOLD_LEAST <= arguments.threshold <= len(cards) <= HOLDERS_MAX
    if not enough or not len(recipients) == len(names) == len(cards):
        raise Refused("SPLITTING_REFUSED", threshold=arguments.threshold, count=len(cards))
    return [Holder(card.post, card.recipient) for card in cards]


def shares_of(
    files: Sequence[str], identities: Sequence[str], arguments: Namespace, terminal: Terminal
) -> list[Share]:
    """Open shares, each with the identity of its holder.

    Raises:
        Misused: SHARES_WITHOUT_IDENTITIES.
        Refused: SHARE_OF_ANOTHER.
        KeysError: an identity or a share does not open.
    """
    if len(files) != len(identities):
        raise Misused("SHARES_WITHOUT_IDENTITIES", shares=len(files), identities=len(identities))
    shares = []
    for file, folder in zip(files, map(Path, identities), strict=True):
        require_identity(folder)
        identity = load_identity(folder, passphrase_to_open(arguments.passphrase_file, terminal))
        shares.append(share_for(file, identity))
    return shares


def share_for(file: str, identity: Identity) -> Share:
    """Open a share with its holder's identity.

    Raises:
        Refused: SHARE_OF_ANOTHER.
        KeysError: the share is malformed.
    """
    try:
        return open_share(Path(file).read_bytes(), identity.hybrid_key)
    except NotAddressed as error:
        raise Refused("SHARE_OF_ANOTHER", share=file, holder=identity.card.post) from error


def _tell_shares(paths: Sequence[Path], terminal: Terminal) -> None:
    if terminal.as_json:
        terminal.show_json([{"holder": path.stem, "share": str(path)} for path in paths])
        return
    speaker = Speaker(terminal)
    for path in paths:
        speaker.show("share_made", holder=path.stem, path=str(path))
    speaker.say("custody_split_done", folder=str(paths[0].parent))


def _enter_shares(paths: Sequence[Path], arguments: Namespace, terminal: Terminal) -> None:
    """Enter shares into the register of controlled items, or say what is to be typed for it.

    The custodian's user need not reach the database, and the shares are in force already.
    """
    made = paths[0].parent.name
    try:
        with acting(arguments, "item_enter", made) as connection:
            for path in paths:
                named, now = f"{path.stem} {made}", clock.now()
                enter_once(connection, "share", named, path.stem, made, now)
    except (ServiceError, SQLAlchemyError, SettingsInvalid):
        for path in paths:
            Speaker(terminal).say("share_to_enter", holder=path.stem, made=made)


def _show(now: CustodyState, terminal: Terminal, root: str | None = None) -> None:
    if terminal.as_json:
        terminal.show_json(
            {
                "sealed": now.sealed,
                "threshold": now.threshold,
                "holders": list(now.holders),
                "offered": list(now.offered),
                **({} if root is None else {"root": root}),
            }
        )
        return
    speaker = Speaker(terminal)
    speaker.show("custody_sealed" if now.sealed else "custody_open")
    if root is not None:
        speaker.show("custody_root", fingerprint=grouped(root))
    if now.holders:
        names = ", ".join(now.holders)
        speaker.show(
            "custody_holders", threshold=now.threshold, count=len(now.holders), names=names
        )
    elif now.sealed:
        speaker.show("custody_by_credential")
    if now.offered:
        speaker.show("custody_offered", names=", ".join(now.offered))
        speaker.show("custody_missing", count=now.threshold - len(now.offered))
