"""`chiffre send` killed at every step it takes on disk and on the line: one dispatch, always.

A step is a line of the modules that keep or move the dispatch. A child process runs the real
command and kills itself there with SIGKILL; then the same words are typed again. However the first
ended, the ministry's register must hold that text exactly once, with one live number. Every ninth
step is tried; `GATES=full` tries them all.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

from cipher_service.client import (
    enciphering,
    numbers,
    online_delivery,
    online_sending,
    sdk,
)
from cipher_service.client import outbox as outbox_module
from cipher_service.client.outbox import Outbox
from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import LiveMinistry, Post

WATCHED = {
    module.__file__
    for module in (enciphering, numbers, online_delivery, online_sending, outbox_module, sdk)
}


STRIDE = 1 if os.environ.get("GATES") == "full" else 9


def killed_at(step: int, post: Post, message: str) -> bool:
    """Send in a child that is killed at its `step`-th new line; say whether it ended by itself."""
    child = os.fork()
    if child == 0:
        seen: set[tuple[str, int]] = set()

        def trace(frame: FrameType, event: str, _argument: object) -> object:
            place = (frame.f_code.co_filename, frame.f_lineno)
            if place[0] not in WATCHED:
                return None
            if event == "line" and place not in seen:
                seen.add(place)
                if len(seen) == step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)  # type: ignore[arg-type]  # typeshed's recursive alias is unspellable
        try:
            post.send("LOME", message)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_any_step_and_typed_again_a_dispatch_is_handed_over_once(
    ministry: LiveMinistry, enrolled: Pair
) -> None:
    paris = enrolled.paris
    known = _issued_and_sent(paris)
    before_entry = after_entry = 0
    for step in range(1, 2000, STRIDE):
        before = len(ministry.dispatches())
        message = f"Étape {step}."
        finished = killed_at(step, paris, message)
        handed = len(ministry.dispatches()) - before
        assert handed in {0, 1}
        with Outbox(paris.folder) as outbox:
            latest = outbox.entries()[-1:]
            waiting = [entry.dispatch_id for entry in outbox.pending()]
        if finished or (handed and latest[0].shown):
            assert handed == 1  # its receipt is on the screen: typed again, it would be another
            break
        entered = bool(waiting) or handed == 1
        before_entry += not entered
        after_entry += entered

        again = paris.send("LOME", message, "--json")
        assert again.status == 0, again.err
        assert len(ministry.dispatches()) - before == 1, f"step {step}"
        assert ministry.dispatches().count(again.json["id"]) == 1
        assert waiting in ([], [again.json["id"]])
    else:
        pytest.fail("the enumeration never reached the end of the act")
    assert before_entry * STRIDE > 60
    assert after_entry * STRIDE > 60
    issued, sent = _issued_and_sent(paris)
    assert issued - known[0] == sent - known[1]


def _issued_and_sent(post: Post) -> tuple[set[str], set[str]]:
    """No number is missing, doubled or left open; gives whose they are, and what was sent."""
    series = post.online("series", "--json").json["sent"]
    (given,) = [each["numbers"] for each in series if each["addressee"] == "LOME"] or [[]]
    assert [each["number"] for each in given] == list(range(1, len(given) + 1))
    assert {each["status"] for each in given} <= {"issued", "cancelled"}
    for_lome = {
        each["id"]
        for each in post.online("outbox", "--json").json
        if each["register"] and each["numbers"][0]["post"] == "LOME"
    }
    return {each["dispatch_id"] for each in given if each["status"] == "issued"}, for_lome


def test_no_process_is_left_by_a_killed_command(enrolled: Pair, tmp_path: Path) -> None:
    message = tmp_path / "message.txt"
    message.write_text("Tuée tout de suite.")
    sending = enrolled.paris.begin(
        *("send", "--identity", str(enrolled.paris.folder), "--to", "LOME"),
        *("--level", "SECRET", str(message)),
    )
    sending.kill()
    sending.communicate(timeout=120)
    again = enrolled.paris.send("LOME", "La suivante part.", "--json")
    assert again.status == 0, again.err
