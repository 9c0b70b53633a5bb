"""The worker's loop and its client, in this process: what a real worker cannot be brought to do."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.age.files import encrypt
from keys.certificates import ClientKey, read_client_certificate
from keys.custody import acts, server
from keys.custody.acts import perform, read_answer
from keys.custody.book import Book
from keys.custody.core import Custody
from keys.custody.errors import (
    CustodianFault,
    CustodianUnavailable,
    NotAdmitted,
    OfficersNotFounded,
    RequestMalformed,
    StoreUnsafe,
)
from keys.custody.frames import (
    FRAME_BYTES_MAX,
    connect,
    encode_frame,
    listen,
    receive_frame,
)
from keys.custody.log_keys import HeadInMemory
from keys.custody.remote import RemoteCustodian, _hear, _send, begin_receipts
from keys.custody.server import Server
from keys.custody.worker import take_place
from keys.endorsement import read_endorsement, read_introduction
from keys.errors import KeysError, NotAge, SignatureInvalid
from keys.jws import ApiKey
from keys.receipts import BatchRoot
from keys.s2.complements import read_complement
from keys.s2.recipients import S2Key
from keys.signing import RECEIPTS
from tests.keys.custody.conftest import END, START


class Short(socket.socket):
    """A listener of a system that is short of descriptors, once."""

    failures = 1

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            self.failures -= 1
            raise OSError(24, "Too many open files")
        return super().accept()


class Broken(Custody):
    """A custodian with a defect that would tell a secret."""

    def open_sealed(self, ciphertext: bytes, warrant: bytes = b"") -> bytes:
        raise ZeroDivisionError(f"seed {ciphertext!r} {warrant!r}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "door.sock"


@pytest.fixture
def remote(path: Path) -> Iterator[RemoteCustodian]:
    with closing(RemoteCustodian(path)) as custodian:
        yield custodian


@pytest.fixture
def answer_with(path: Path) -> Iterator[Callable[..., None]]:
    """An impostor: takes each caller's frame and sends the next of the given bytes."""
    with ExitStack() as stack:

        def serve(*answers: bytes) -> None:
            listener = stack.enter_context(listen(path, mode=0o600))

            def answer() -> None:
                for data in answers:
                    connection, _ = listener.accept()
                    with connection:
                        receive_frame(connection)
                        connection.sendall(data)

            thread = threading.Thread(target=answer)
            thread.start()
            stack.callback(thread.join)

        yield serve


def test_the_acts_pass_the_door(
    open_door: Callable[..., Server], remote: RemoteCustodian, lome: Custody
) -> None:
    open_door()

    assert remote.card() == lome.card()
    assert remote.service_key().ed25519 == lome.service_key().ed25519
    assert remote.certifying_key().mldsa65 == lome.certifying_key().mldsa65
    assert remote.client_authority() == lome.client_authority()
    third = read_complement(remote.complement(), lome.card())
    assert third.recipient == S2Key(lome.bureau.hybrid).recipient
    begins = datetime.now(UTC).replace(microsecond=0)
    jwk = ApiKey.generate().public_jwk()
    client = ClientKey("PARIS", jwk["x"], jwk["y"], begins, begins + timedelta(days=1))
    certificate = remote.certify_client_key(client.encode())
    assert read_client_certificate(certificate, lome.client_authority()).post == "PARIS"


def test_an_answer_is_bytes(
    open_door: Callable[..., Server], remote: RemoteCustodian, lome: Custody
) -> None:
    open_door()
    sealed = encrypt(b"Objet", [lome.card().recipient])

    assert remote.open_sealed(sealed) == b"Objet"


def test_acts_on_the_bureau_s_keys_pass_the_door(
    open_door: Callable[..., Server], remote: RemoteCustodian
) -> None:
    post = {"valid_from": START, "valid_until": END}
    custody = Custody.generate("MINREX", **post)
    card = Custody.generate("LOME", **post).card()
    open_door(custody)
    root = read_introduction(remote.root_introduction(), custody.card())
    assert remote.successions() == custody.successions() == b"[]"
    assert remote.log_successions() == custody.log_successions() == b"[]"

    read_endorsement(remote.endorse_card(card.to_bytes()), card, root)
    suspended = canonical.decode(remote.suspend_key(b"bureau/MINREX", b"1", b"doute"))
    assert suspended["history"][-1]["to"] == "suspended"
    remote.compromise_key(b"bureau/MINREX", b"1", b"vol")
    book = Book.parse(remote.key_versions())
    states = [each.state for key in ("bureau/MINREX", "post/LOME") for each in book.of(key)]
    assert states == ["compromised", "active"]
    with pytest.raises(OfficersNotFounded):
        remote.close_grant(bytes(32))


@pytest.mark.parametrize(
    "act",
    [
        "sign_manifest",
        "sign_slip",
        "sign_post_receipt",
        "sign_service_message",
        "sign_rerouting",
        "sign_receipts",
        "certify_token_key",
        "certify_client_key",
        "open_sealed",
    ],
)
def test_a_refusal_keeps_its_type_and_text(
    open_door: Callable[..., Server], remote: RemoteCustodian, lome: Custody, act: str
) -> None:
    open_door()

    with pytest.raises(KeysError) as here:
        getattr(lome, act)(b"noise")
    with pytest.raises(KeysError) as there:
        getattr(remote, act)(b"noise")

    assert there.type is here.type
    assert str(there.value) == str(here.value)


def test_opening_is_refused_by_name(
    open_door: Callable[..., Server], remote: RemoteCustodian
) -> None:
    open_door()

    with pytest.raises(NotAge):
        remote.open_file_key(b"", b"")


def test_a_defect_is_reported_without_what_it_says(
    open_door: Callable[..., Server], remote: RemoteCustodian, lome: Custody
) -> None:
    open_door(Broken(lome.service, lome.secret, HeadInMemory()))

    with pytest.raises(CustodianFault) as fault:
        remote.open_sealed(b"SECRET")

    assert "ZeroDivisionError" in str(fault.value)
    assert "SECRET" not in str(fault.value)
    assert remote.card() == lome.card()


def test_a_user_who_is_not_admitted_is_told_so(
    open_door: Callable[..., Server], remote: RemoteCustodian
) -> None:
    open_door(admitted=frozenset({os.geteuid() + 1}))

    for _ in range(3):
        with pytest.raises(NotAdmitted):
            remote.card()


def test_a_parting_word_is_heard_though_sending_fails() -> None:
    """The worker refuses and closes before the caller has sent its request."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(encode_frame({"error": "NOT_ADMITTED", "detail": "no"}))
        far.shutdown(socket.SHUT_RD)

        _send(near, encode_frame({}))
        assert _hear(near) == {"error": "NOT_ADMITTED", "detail": "no"}


def test_a_crowd_is_bounded(
    open_door: Callable[..., Server],
    remote: RemoteCustodian,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 1)
    open_door()

    with connect(path, 5.0) as holder:
        holder.sendall(encode_frame({"act": "card", "arguments": {}}))
        assert "result" in receive_frame(holder)
        with pytest.raises(CustodianUnavailable):
            remote.card()


def test_a_shortage_of_descriptors_passes(
    open_door: Callable[..., Server], remote: RemoteCustodian, path: Path, lome: Custody
) -> None:
    listener = Short(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    open_door(listener=listener)

    assert remote.card() == lome.card()


def test_stopping_twice_is_stopping(open_door: Callable[..., Server]) -> None:
    door = open_door()

    door.stop()
    door.stop()


def test_stopping_lets_a_caller_keep_what_it_was_told(
    open_door: Callable[..., Server], remote: RemoteCustodian, lome: Custody
) -> None:
    door = open_door()
    assert remote.card() == lome.card()

    door.stop()


@pytest.mark.parametrize(
    "answer",
    [
        b"\0\0\0\3\xff\xff\xff",
        encode_frame([]),
        encode_frame({"result": {}}),
        encode_frame({"result": {"bytes": 7}}),
        encode_frame({"result": b""}),
        encode_frame({"error": 7, "detail": ""}),
        encode_frame({"error": "NO_SUCH_CODE", "detail": "?"}),
    ],
    ids=["not-cbor", "list", "no-members", "number", "bytes", "code-number", "unknown-code"],
)
def test_an_answer_out_of_protocol_is_a_fault(
    answer_with: Callable[..., None], remote: RemoteCustodian, answer: bytes
) -> None:
    answer_with(answer)

    with pytest.raises(CustodianFault):
        remote.card()


def test_an_answer_to_what_answers_nothing_has_no_members() -> None:
    read_answer("seal", {"result": {}})
    with pytest.raises(CustodianFault, match="malformed"):
        read_answer("seal", {"result": {"bytes": b""}})
    with pytest.raises(CustodianFault, match="not of the protocol"):
        read_answer("seal", {"result": b""})


def test_a_custodian_that_hangs_up_is_unavailable(
    answer_with: Callable[..., None], remote: RemoteCustodian
) -> None:
    answer_with(b"")

    with pytest.raises(CustodianUnavailable):
        remote.card()


def test_no_custodian_is_unavailable(remote: RemoteCustodian) -> None:
    with pytest.raises(CustodianUnavailable):
        remote.card()


def test_a_kept_connection_that_died_is_replaced(
    answer_with: Callable[..., None], remote: RemoteCustodian, lome: Custody
) -> None:
    """The impostor closes after each answer: every act after the first finds a dead connection."""
    good = encode_frame(perform(lome, {"act": "card", "arguments": {}}))
    answer_with(good, good, good)

    assert [remote.card() for _ in range(3)] == [lome.card()] * 3


def test_receipts_are_signed_while_their_caller_does_something_else(
    open_door: Callable[..., Server], remote: RemoteCustodian, lome: Custody
) -> None:
    open_door()
    statement = BatchRoot(bytes(32), 1, START).encode()

    for custodian in (remote, remote, lome):  # nothing kept yet, a kept connection, not remote
        begun = begin_receipts(custodian, statement)
        assert remote.card() == lome.card()
        lome.service_key().verify(RECEIPTS, statement, begun())


@pytest.mark.parametrize("noticed", ["at sending", "at reading"])
def test_what_was_begun_on_a_dead_connection_is_asked_again(
    answer_with: Callable[..., None], remote: RemoteCustodian, lome: Custody, noticed: str
) -> None:
    statement = BatchRoot(bytes(32), 1, START).encode()
    request = {"act": "sign_receipts", "arguments": {"root_statement": statement}}
    answer_with(
        encode_frame(perform(lome, {"act": "card", "arguments": {}})),
        encode_frame(perform(lome, request)),
    )
    remote.card()
    if noticed == "at sending":
        remote._idle[0].close()

    lome.service_key().verify(RECEIPTS, statement, begin_receipts(remote, statement)())


def test_what_does_not_fit_a_frame_is_not_sent(remote: RemoteCustodian) -> None:
    with pytest.raises(RequestMalformed):
        remote.open_sealed(bytes(FRAME_BYTES_MAX))


def test_a_fork_does_not_talk_on_its_parents_connection(
    open_door: Callable[..., Server],
    remote: RemoteCustodian,
    lome: Custody,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_door()
    remote.card()
    (inherited,) = remote._idle

    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert remote.card() == lome.card()

    assert inherited not in remote._idle
    assert inherited.fileno() >= 0, "the parent's connection is the parent's to close"
    inherited.close()


def test_every_error_of_keys_has_its_code() -> None:
    known = acts._errors_by_code()

    assert known["SIGNATURE_INVALID"] is SignatureInvalid
    assert known["CUSTODIAN_FAULT"] is CustodianFault
    with pytest.raises(SignatureInvalid, match="why"):
        read_answer("card", {"error": "SIGNATURE_INVALID", "detail": "why"})


# Taking the place


def test_a_dead_workers_socket_is_replaced(path: Path) -> None:
    listen(path, mode=0o600).close()
    assert path.is_socket()

    with take_place(path, {os.geteuid()}):
        connect(path, 5.0).close()


def test_a_living_workers_socket_is_not(path: Path) -> None:
    with listen(path, mode=0o600), pytest.raises(FileExistsError):
        take_place(path, {os.geteuid()})


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives sockets away")
def test_another_users_socket_is_left_alone(path: Path) -> None:
    listen(path, mode=0o600).close()
    os.chown(path, 65534, 65534)

    with pytest.raises(StoreUnsafe):
        take_place(path, {os.geteuid()})
    assert path.is_socket()


@pytest.mark.parametrize(
    ("admitted", "mode"), [({os.geteuid()}, 0o600), ({os.geteuid(), 4242}, 0o666)]
)
def test_the_socket_is_no_wider_than_it_must_be(path: Path, admitted: set[int], mode: int) -> None:
    with take_place(path, admitted):
        assert path.stat().st_mode & 0o777 == mode


def test_a_missing_folder_is_the_systems_matter(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "door.sock"

    with pytest.raises(FileNotFoundError):
        take_place(missing, {os.geteuid()})
    with pytest.raises(FileNotFoundError):
        connect(missing, 5.0)
