"""A ministry that runs on a database of one's choice, without its console."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cipher_service.administration.founding import found_installation, planned
from cipher_service.administration.stage import Stage
from tests.support.ports import free_port
from tests.surfaces.api.live import serving


@contextmanager
def ministry_on(folder: Path, database_url: str) -> Iterator[Stage]:
    """Found one in `folder` and serve it; "" is the embedded database."""
    port = free_port()
    settings = planned(
        folder,
        host="127.0.0.1",
        port=port,
        workers=1,
        issuer=f"http://127.0.0.1:{port}",
        database_url=database_url,
    )
    founding = found_installation(settings)
    (settings.data / "posts").mkdir(mode=0o700)
    with serving(settings):
        yield Stage(settings, founding, "en")
