"""Pieces of a download go through eight threads, and leave no memory in each of them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MEBIBYTES = 64
# Each thread is at work before the first piece is read, as after a few callers at once.
SCRIPT = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
sys.path.insert(0, sys.argv[1])
from starlette.requests import Request
from cipher_service.api.downloads import Given, give_file
from cipher_service.api.ministry import THREADS
from cipher_service.app.arena import allocate_from_one_arena
from cipher_service.storage.held import Held

def anonymous():
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0])

async def main():
    path = Path(sys.argv[2])
    executor, together = ThreadPoolExecutor(THREADS), Barrier(THREADS)
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(executor, together.wait) for _ in range(THREADS)))
    before = anonymous()
    given = Given(path, "0" * 64, path.stat().st_size, Held(b""))
    answer = give_file(Request({"type": "http", "headers": []}), given, executor)
    async for piece in answer.body_iterator:
        await asyncio.sleep(0)
    print((anonymous() - before) // 1024)

allocate_from_one_arena()
asyncio.run(main())
"""


@pytest.mark.slow
def test_a_download_leaves_its_pieces_in_one_place(tmp_path: Path) -> None:
    path = tmp_path / "envelope"
    path.write_bytes(bytes(MEBIBYTES << 20))
    command = [sys.executable, "-c", SCRIPT, str(ROOT), str(path)]
    kept = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert int(kept) < 6  # 14 to 17 with an arena for each thread
