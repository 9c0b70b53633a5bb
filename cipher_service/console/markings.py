"""The colours of markings as a style sheet, from the data of the scheme in force."""

from collections.abc import Iterator

from cipher_service.labels.scheme import Scheme


def stylesheet(scheme: Scheme) -> bytes:
    """Return the rules for `app-rank-RANK` and `app-precedence--CODE` (code in lower case)."""
    return "\n".join(_rules(scheme)).encode("ascii")


def _rules(scheme: Scheme) -> Iterator[str]:
    for level in scheme.levels:
        yield f".app-rank-{level.rank}{{--app-rank:{level.colour}}}"
    for precedence in scheme.precedences:
        yield f".app-precedence--{precedence.code.lower()}{{background:{precedence.colour}}}"
