"""The demonstration's play: each telegram is sent by its origin and read by its addressees."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cipher_service.administration.bureau import bureau_of, hand_in, waiting
from cipher_service.administration.installation import Installation, installation_at
from cipher_service.administration.officer_keys import AtHand, keys_of
from cipher_service.administration.stage import Stage, chiffre, typed_to, words
from cipher_service.administration.telegrams import Telegram, place
from cipher_service.client.failures import Failure
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.identity.demonstration import Demonstration
from keys.custody import Custodian
from keys.errors import Refusal

MESSAGE = "message.txt"


@dataclass(frozen=True, slots=True)
class Casting:
    """Who plays a telegram: post codes."""

    origin: str
    action: tuple[str, ...]
    info: tuple[str, ...]

    @property
    def addressees(self) -> tuple[str, ...]:
        """Everyone who reads it."""
        return self.action + self.info


def cast_telegram(telegram: Telegram, headquarters: str, posts: Sequence[str]) -> Casting:
    """Place a telegram's correspondents; it always has an addressee other than its origin."""
    origin = place(telegram.origin, headquarters, posts)
    placed = (place(name, headquarters, posts) for name in telegram.action)
    action = tuple(dict.fromkeys(post for post in placed if post != origin))
    if not action:
        action = (headquarters if origin != headquarters else posts[0],)
    placed = (place(name, headquarters, posts) for name in telegram.info)
    info = tuple(dict.fromkeys(post for post in placed if post != origin and post not in action))
    return Casting(origin, action, info)


@dataclass(frozen=True, slots=True)
class Sending:
    """A telegram that left.

    Attributes:
        telegram: what was sent.
        casting: by whom, to whom.
        dispatch_id: under which id.
        size: of the envelope, bytes.
    """

    telegram: Telegram
    casting: Casting
    dispatch_id: str
    size: int


@dataclass(slots=True)
class Reading:
    """What a post read: how many dispatches, bytes of text, and where a text differed."""

    dispatches: int = 0
    size: int = 0
    differences: list[str] = field(default_factory=list)


@contextmanager
def play_on(
    on: Stage, posts: Sequence[str], there: Demonstration | None = None
) -> Iterator["Play"]:
    """Open the ministry's bureau for a play, and close it.

    Args:
        on: the running ministry.
        posts: codes of its enrolled posts.
        there: the officers, once the custodian has some: a cipher clerk grants what it is asked.
    """

    def hire(custodian: Custodian) -> AtHand | None:
        if there is None:
            return None
        return AtHand(custodian, there.holder("CIPHER-CLERK"), keys_of(there))

    with installation_at(on.settings) as installation, bureau_of(installation, hire) as bureau:
        yield Play(on, posts, installation, bureau)


class Play:
    """Plays telegrams on a stage.

    Args:
        on: the running ministry.
        posts: codes of its enrolled posts.
        installation: the ministry's, opened.
        bureau: its bureau at work.
    """

    def __init__(
        self,
        on: Stage,
        posts: Sequence[str],
        installation: Installation,
        bureau: HeadquartersBureau,
    ) -> None:
        self._stage = on
        self._posts = posts
        self._headquarters = on.settings.headquarters
        self._installation = installation
        self._bureau = bureau
        self._texts = on.settings.data / "texts"
        self._texts.mkdir(mode=0o700)

    def send(self, telegram: Telegram) -> Sending:
        """Let a telegram's origin send it: text and whole record, both byte for byte."""
        casting = cast_telegram(telegram, self._headquarters, self._posts)
        text = self._texts / f"{telegram.identifier}.txt"
        record = self._texts / f"{telegram.identifier}.json"
        text.write_bytes(telegram.body)
        record.write_bytes(telegram.record)
        options = [
            *words([("--to", casting.action), ("--info", casting.info)]),
            *words([("--caveat", telegram.captions), ("--attach", [str(record)])]),
            *("--level", telegram.level, "--precedence", telegram.precedence),
            *("--subject", telegram.subject[:400], str(text)),
        ]
        if casting.origin == self._headquarters:
            typed = ["bureau", "send", "--drafter", "Rédacteur", "--authority", "SG", *options]
            parsed = typed_to(self._stage.settings, self._stage.language, *typed)
            sent = hand_in(parsed, self._installation, self._bureau)
            return Sending(telegram, casting, sent.manifest.id, sent.slip.envelope_size)
        identity = self._stage.identity(casting.origin)
        answer = chiffre(self._stage.language, "send", "--identity", identity, *options)
        return Sending(telegram, casting, answer["id"], answer["envelope"]["size"])

    def read(self, sendings: Sequence[Sending], tell: Callable[[str, Reading], None]) -> int:
        """Let every post fetch and decipher what is addressed to it, and compare byte for byte.

        Args:
            sendings: all that was sent.
            tell: told each post and what it read.

        Returns:
            The number of dispatches that every addressee read without a difference.
        """
        for_post: dict[str, list[Sending]] = defaultdict(list)
        for sending in sendings:
            for post in sending.casting.addressees:
                for_post[post].append(sending)
        failed: set[str] = set()
        for post, expected in for_post.items():
            folder = self._fetch(post)
            outcome = Reading()
            for sending in expected:
                if _same(folder / sending.dispatch_id, sending.telegram):
                    outcome.dispatches += 1
                    outcome.size += len(sending.telegram.body)
                else:
                    outcome.differences.append(sending.telegram.identifier)
                    failed.add(sending.dispatch_id)
            tell(post, outcome)
        return sum(sending.dispatch_id not in failed for sending in sendings)

    def forge(self, sending: Sending) -> str:
        """Let an impostor write as the origin of a dispatch to its first addressee who is a post.

        Returns:
            The name of the refusal.

        Raises:
            RuntimeError: it was not refused, which would be a defect.
        """
        victim = next(post for post in sending.casting.addressees if post != self._headquarters)
        data, speak = self._stage.settings.data, self._stage.language
        impostor, forged = data / "impostor", data / "forged.age"
        origin = sending.casting.origin
        text = self._texts / f"{sending.telegram.identifier}.txt"
        chiffre(
            speak,
            *("identity", "new", "--post", origin, "--out", str(impostor), "--no-passphrase"),
        )
        card = f"{self._stage.identity(victim)}/{victim}.card"
        chiffre(
            speak,
            *("encipher", "--identity", str(impostor), "--to", card, "--level", "SECRET"),
            *("-o", str(forged), str(text)),
        )
        true_card = data / "true.card"
        true_card.write_bytes(self._card_of(origin))
        try:
            chiffre(
                speak,
                *("decipher", "--identity", self._stage.identity(victim)),
                *("--from", str(true_card), "-o", str(data / "never"), str(forged)),
            )
        except (Refusal, Failure) as refusal:
            return refusal.code
        raise RuntimeError("a forged dispatch was accepted")

    def _card_of(self, post: str) -> bytes:
        if post == self._headquarters:
            return self._bureau.card.to_bytes()
        return Path(self._stage.identity(post), f"{post}.card").read_bytes()

    def _fetch(self, post: str) -> Path:
        folder = self._stage.settings.data / "read" / post
        folder.mkdir(mode=0o700, parents=True)
        if post == self._headquarters:
            for line in waiting(self._installation):
                self._bureau.open(line.dispatch_id, folder / line.dispatch_id)
            return folder
        identity = self._stage.identity(post)
        chiffre(
            self._stage.language,
            *("fetch", "--identity", identity, "--all", "--decipher", "-o", str(folder)),
        )
        return folder


def _same(folder: Path, telegram: Telegram) -> bool:
    """Say whether what was deciphered is what was sent, text and attachment."""
    try:
        records = list((folder / "attachments").iterdir())
        return (folder / MESSAGE).read_bytes() == telegram.body and [
            record.read_bytes() for record in records
        ] == [telegram.record]
    except FileNotFoundError:
        return False
