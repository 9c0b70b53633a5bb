"""The physical ceilings of a transfer: a bare socket written to disk, and read back from it."""

import os
import socket
import threading
import time
from pathlib import Path

BUFFER = 1 << 20


def socket_to_disk(size: int, path: Path) -> float:
    """Return the seconds that `size` bytes take from a loopback socket to a flushed new file.

    A new one each time: overwriting a file reuses the memory of its pages, which on a virtual
    machine is several times faster than memory that was never touched, and no upload can have that.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = threading.Thread(target=_send, args=(server.getsockname(), size))
        sender.start()
        connection, _ = server.accept()
        started = time.perf_counter()
        with connection, path.open("xb", buffering=0) as file:
            buffer = memoryview(bytearray(BUFFER))
            while received := connection.recv_into(buffer):
                file.write(buffer[:received])
            os.fsync(file.fileno())
        elapsed = time.perf_counter() - started
        sender.join()
    return elapsed


def disk_to_socket(size: int, path: Path, copy: Path) -> float:
    """Return the seconds that the file of `socket_to_disk` takes back to a new file of a client."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = threading.Thread(target=_serve, args=(server, path))
        sender.start()
        started = time.perf_counter()
        received_bytes = 0
        with (
            socket.create_connection(server.getsockname()) as connection,
            copy.open("xb", buffering=0) as file,
        ):
            buffer = memoryview(bytearray(BUFFER))
            while received := connection.recv_into(buffer):
                received_bytes += file.write(buffer[:received])
            os.fsync(file.fileno())
        elapsed = time.perf_counter() - started
        sender.join()
    if received_bytes != size:
        raise RuntimeError(f"{received_bytes} of {size} bytes came back")
    copy.unlink()
    return elapsed


def _send(address: tuple[str, int], size: int) -> None:
    block = os.urandom(BUFFER)
    with socket.create_connection(address) as connection:
        sent = 0
        while sent < size:
            connection.sendall(block[: size - sent])
            sent += min(BUFFER, size - sent)


def _serve(server: socket.socket, path: Path) -> None:
    connection, _ = server.accept()
    with connection, path.open("rb") as file:
        connection.sendfile(file)
