"""What a browser that has nothing yet takes from the line, letters included.

Files travel compressed; pages do not, though the budget counts them so. The length of a compressed
page tells of what is in it: names, drafts and rights stand beside words that an address can carry
into it (a search of the log), and whoever sees only the line could learn the one by the other
(BREACH). The session's cookie is not sent for a page of another site, but a neighbour under the
ministry's name is no other site. Uncompressed, a page without rows costs 35 kB more at most:
`WIRE` bounds it.
"""

import gzip
import json
import re
from urllib.parse import urljoin

from playwright.sync_api import Page, Response

from cipher_service.console.static import Assets

MOST = 60_000
"""Bytes, compressed and without WebAssembly."""
LATER = 15_000
"""Bytes of what is loaded only for a hand-over without network."""
WIRE = 100_000
"""Bytes as they travel, the page itself as it is, and without rows."""
_LETTERS = ("plex-sans-400.woff2", "plex-sans-600.woff2", "plex-mono-400.woff2")
_LOADED = "() => performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)"
_KNOWN: dict[str, int] = {}
"""By address, which is another one once the content is another one."""


def check_first_load(page: Page, answer: Response) -> None:
    """The page that is shown, and what it has loaded; pages of other words need all letters."""
    files = _files_of(page)
    assert files + len(gzip.compress(answer.body())) <= MOST, page.url


def check_travel(page: Page, answer: Response) -> None:
    """The same of a page without rows, as the line carries it."""
    assert _files_of(page) + len(answer.body()) <= WIRE, page.url


def _files_of(page: Page) -> int:
    """Return how many bytes the line carries beside the page itself."""
    built = [Assets().named(name) for name in _LETTERS]
    files = {one.url for one in built if one}
    files |= {each for each in page.evaluate(_LOADED) if each.startswith("/static/")}
    return sum(_travels(page, each) for each in files)


def check_whole_scanning_page(page: Page) -> None:
    """All that a telephone fetches to read seals without network, the decoder's fallback too."""
    worker = page.request.get(urljoin(page.url, "/scan/offline.js")).text()
    told = re.match(r"const KEPT=(\[.*?\])", worker)
    assert told
    kept = [each for each in json.loads(told[1]) if not each.endswith(".wasm")]
    # Fetched after all that reads seals, and run by whoever hands a bag over without network.
    [later] = [each for each in kept if each.startswith("/scan/files/scan-handing.")]
    kept.remove(later)
    assert _travels(page, later) <= LATER
    assert len(kept) >= 5
    size = sum(_travels(page, each) for each in kept) + len(worker)
    assert size <= MOST, size


def _travels(page: Page, path: str) -> int:
    """Return how many bytes of a file's content the line carries."""
    if path not in _KNOWN:
        answer = page.request.get(urljoin(page.url, path))
        _KNOWN[path] = int(answer.headers["content-length"])
    return _KNOWN[path]
