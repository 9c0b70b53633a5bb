"""The registrar's socket and its frames."""

from pathlib import Path

import pytest

from cipher_service.storage.frames import MAX_FRAME, FrameRefused, Reader, encode
from cipher_service.storage.sockets import connect, listen


def test_frames_survive_any_cutting() -> None:
    messages = [{"id": number, "payload": b"x" * number} for number in (0, 1, 300, 70_000)]
    stream = b"".join(encode(message) for message in messages)
    for step in (1, 3, 1000, len(stream)):
        reader, seen = Reader(), []
        for start in range(0, len(stream), step):
            seen += reader.feed(stream[start : start + step])
        assert [message for message, _ in seen] == messages


def test_an_oversized_frame_is_not_written_and_not_read() -> None:
    with pytest.raises(FrameRefused):
        encode({"payload": b"x" * MAX_FRAME})
    with pytest.raises(FrameRefused):
        Reader().feed((MAX_FRAME + 1).to_bytes(4, "big"))


def test_what_is_not_a_map_of_cbor_is_refused() -> None:
    for body in (b"\x80", b"\xff", b"", b"\x1c"):
        with pytest.raises(FrameRefused):
            Reader().feed(len(body).to_bytes(4, "big") + body)


def test_a_folder_deeper_than_the_kernels_limit(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True)
    server = listen(folder / "r.sock")
    connect(folder / "r.sock").close()
    assert (folder / "r.sock").stat().st_mode & 0o777 == 0o600
    server.close()


def test_two_registrars_do_not_share_a_socket(tmp_path: Path) -> None:
    server = listen(tmp_path / "r.sock")
    with pytest.raises(OSError, match="in use"):
        listen(tmp_path / "r.sock")
    server.close()
    listen(tmp_path / "r.sock").close()  # a dead one's socket is replaced


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        connect(tmp_path / "r.sock")
