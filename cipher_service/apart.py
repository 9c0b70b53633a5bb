"""A process of its own for what takes much memory, or meets what an attacker made.

    answer = asked_apart("cipher_service.pouches.redrawing", data, seconds=20.0)

    if __name__ == "__main__":                                   # in that module
        answer_apart(redrawn, memory=512 << 20, cpu_seconds=10)

It has no environment, no keys and no connection, writes no file, and takes its memory with it.
"""

import resource
import subprocess
import sys
from collections.abc import Callable


def asked_apart(module: str, data: bytes, *, seconds: float) -> bytes | None:
    """Have a module's process answer; None where it failed or met its bounds.

    Args:
        module: its full name; it ends with `answer_apart`.
        data: its standard input.
        seconds: how long to wait.

    Raises:
        TimeoutError: it had not answered by then, and was ended.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", module],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(module) from error
    return done.stdout if done.returncode == 0 and done.stdout else None


def answer_apart(answer: Callable[[bytes], bytes], *, memory: int, cpu_seconds: int) -> None:
    """Be that process: read standard input and write what comes of it, within bounds.

    Args:
        answer: fails in any way on what it does not take.
        memory: address space, bytes.
        cpu_seconds: of processor time.
    """
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
