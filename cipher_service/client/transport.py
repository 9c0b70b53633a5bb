"""HTTP between a post and its ministry: addresses, retries, proofs, and who may be believed.

- The address is https, or http on this very machine (demonstrations, tunnels).
- A post proves itself by `private_key_jwt` (RFC 7523bis) once, then holds a token for a few
  minutes that is bound to a key made for this run (DPoP, RFC 9449): neither a stolen token nor a
  stolen proof is worth anything elsewhere. A post that shows a certificate in TLS has its tokens
  bound to that instead (RFC 8705), and no request carries a proof.
- TLS is of version 1.3 or there is none.
- Every request here may be repeated, because every act of the API is idempotent; it is repeated,
  after a growing pause, when the network fails or the server says that it is busy.
- A clock that is off is measured by the server's `Date` when the server refuses it by name; the
  correction serves tokens alone, never anything that is archived.
- Nothing an answer says is believed beyond its form. Receipts and cards prove themselves.
"""

import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import sleep
from typing import Final, TypeVar
from urllib.parse import urlencode

import httpx

from cipher_service import clock
from cipher_service.client.closing import Closing
from cipher_service.client.online_refusals import (
    Distrusted,
    MinistryRefused,
    Unreachable,
    Unready,
)
from cipher_service.client.transport_answers import Answer, finish
from cipher_service.client.transport_tokens import assertion, proof
from cipher_service.wire.tokens import ASSERTION_TYPE, TokenAnswer
from keys.certificates import present
from keys.jws import ApiKey

PAUSES: Final = (0.5, 1.0, 2.0)
_LONGEST_PAUSE: Final = 30.0
_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
CLOCK_REFUSAL: Final = "CLOCK_SKEWED"
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]+")
_TOKEN_PATH: Final = "/v1/token"  # noqa: S105  an address
_UNAUTHENTICATED: Final = 401
# A token that ends while its request is on the way would cost a refusal and a second try.
_TOKEN_MARGIN: Final = timedelta(seconds=20)

Body = bytes | Callable[[], Iterable[bytes]]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who calls.

    Attributes:
        post: the post's code.
        issuer: the ministry's issuer, pinned at enrolment.
        key: the post's API key, which signs assertions.
        run_key: made for this run; tokens are bound to it.
    """

    post: str
    issuer: str
    key: ApiKey
    run_key: ApiKey = field(default_factory=ApiKey.generate)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    ends: datetime


class Transport(Closing):
    """A connection to one ministry.

    Args:
        server: address such as `https://chiffre.example`, without `/v1`.
        language: `fr` or `en`, for the ministry's texts.
        authority: the ministry's own certificate authority, PEM; None for the system's.
        certificate: the post's API key and its certificate (DER), to show in TLS.
        pauses: seconds before each further try.

    Raises:
        Unready: the address is not https and not on this machine, or the authority is not PEM.
    """

    def __init__(
        self,
        server: str,
        *,
        language: str = "fr",
        authority: str | None = None,
        certificate: tuple[ApiKey, bytes] | None = None,
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self.server = check_address(server)
        self.skew = timedelta(0)
        self._pauses = pauses
        self._shows = certificate is not None
        self._credentials: Credentials | None = None
        self._token: _Token | None = None
        local = self.server.startswith("http:")
        self._http = httpx.Client(
            base_url=self.server,
            headers={"Accept-Language": language, "User-Agent": "chiffre"},
            timeout=_TIMEOUT,
            verify=_tls(authority, certificate),
            # A proxy for the network beyond has no business on the loopback.
            trust_env=not local,
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def authenticate(self, credentials: Credentials) -> None:
        """Call as this post from now on."""
        self._credentials = credentials
        self._token = None

    def call(
        self,
        method: str,
        path: str,
        *,
        content: Body = b"",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a request, repeating it while the network fails, and return the whole answer.

        Args:
            method: in capitals.
            path: beginning with `/v1/`.
            content: the body, or what makes its pieces anew for each try; then `headers` must
                say `Content-Length`.
            headers: besides the authentication.
            params: the query.

        Raises:
            Unreachable: every try failed.
            MinistryRefused: the answer is a problem document.
            Distrusted: the answer has no form that this API gives.
        """
        return self._patiently(
            lambda: self.attempt(method, path, content=content, headers=headers, params=params)
        )

    def attempt(
        self,
        method: str,
        path: str,
        *,
        content: Body = b"",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a request as `call` does, but once: its caller must look before repeating it."""
        return self._recognised(
            lambda: self._once(method, path, content, headers or {}, params or {})
        )

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        silence: float = 30.0,
    ) -> Iterator[httpx.Response]:
        """Open a long GET; the caller reads it piece by piece and resumes it when it breaks.

        Args:
            path: beginning with `/v1/`.
            headers: besides the authentication.
            params: the query.
            silence: seconds without a byte before the network counts as gone.

        Raises:
            Unreachable, MinistryRefused, Distrusted: as `call`, also while the block reads.
        """
        response = self._patiently(
            lambda: self._recognised(lambda: self._open(path, headers or {}, params or {}, silence))
        )
        try:
            with _network():
                yield response
        finally:
            response.close()

    # -- one try -------------------------------------------------------------------------------

    def _once(
        self,
        method: str,
        path: str,
        content: Body,
        headers: Mapping[str, str],
        params: Mapping[str, str],
    ) -> Answer:
        request = self._http.build_request(
            method,
            path,
            content=content if isinstance(content, bytes) else content(),
            headers={**headers, **self._authorisation(method, path)},
            params=params,
        )
        with _network():
            response = self._http.send(request, stream=True)
            return finish(response)

    def _open(
        self, path: str, headers: Mapping[str, str], params: Mapping[str, str], silence: float
    ) -> httpx.Response:
        request = self._http.build_request(
            "GET",
            path,
            # Ranges count bytes of the envelope itself: nothing may be packed on the way.
            headers={
                "Accept-Encoding": "identity",
                **headers,
                **self._authorisation("GET", path),
            },
            params=params,
            timeout=httpx.Timeout(silence, connect=10.0),
        )
        with _network():
            response = self._http.send(request, stream=True)
            if response.is_success:
                return response
            finish(response)
        raise Distrusted("ANSWER_MALFORMED", status=response.status_code)

    # -- tries ---------------------------------------------------------------------------------

    def _patiently(self, attempt: Callable[[], Result]) -> Result:
        for pause in self._pauses:
            try:
                return attempt()
            except Unreachable as away:
                if away.wait is None:
                    raise
                sleep(min(max(pause, away.wait), _LONGEST_PAUSE))
        return attempt()

    def _recognised(self, attempt: Callable[[], Result]) -> Result:
        """Try once more with a fresh token, by the server's clock, when we were not recognised."""
        try:
            return attempt()
        except MinistryRefused as refused:
            if self._credentials is None or refused.http_status != _UNAUTHENTICATED:
                raise
            self._token = None
            if refused.code == CLOCK_REFUSAL and refused.server_time is not None:
                self.skew = refused.server_time - clock.now()
        return attempt()

    # -- tokens --------------------------------------------------------------------------------

    def _authorisation(self, method: str, path: str) -> dict[str, str]:
        if self._credentials is None:
            return {}
        now = clock.now()
        if self._token is None or self._token.ends <= now:
            self._token = self._renew(self._credentials, now)
        if self._shows:
            return {"Authorization": f"Bearer {self._token.text}"}
        return {
            "Authorization": f"DPoP {self._token.text}",
            "DPoP": self._proof(self._credentials, method, path, self._token.text),
        }

    def _renew(self, credentials: Credentials, now: datetime) -> _Token:
        form = urlencode(
            {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion(
                    credentials.key,
                    post=credentials.post,
                    issuer=credentials.issuer,
                    at=now + self.skew,
                ),
            }
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if not self._shows:
            headers["DPoP"] = self._proof(credentials, "POST", _TOKEN_PATH, None)
        with _network():
            response = self._http.send(
                self._http.build_request("POST", _TOKEN_PATH, content=form, headers=headers),
                stream=True,
            )
            answer = finish(response).read(TokenAnswer)
        if answer.token_type != ("Bearer" if self._shows else "DPoP"):
            raise Distrusted("ANSWER_MALFORMED", message="TokenAnswer")
        return _Token(
            answer.access_token, now + timedelta(seconds=answer.expires_in) - _TOKEN_MARGIN
        )

    def _proof(self, credentials: Credentials, method: str, path: str, token: str | None) -> str:
        return proof(
            credentials.run_key,
            method=method,
            # The issuer's spelling: a tunnel or a proxy may give the server another address here.
            url=credentials.issuer + path,
            at=clock.now() + self.skew,
            token=token,
        )


def check_address(server: str) -> str:
    """Return a server's address in its one spelling, without a slash at the end.

    Raises:
        Unready: not https, and not http on this machine; or not an address at all.
    """
    try:
        url = httpx.URL(server.rstrip("/"))
    except (httpx.InvalidURL, ValueError) as error:
        raise Unready("ADDRESS_INVALID", address=server) from error
    sound = _HOST.fullmatch(url.raw_host.decode("ascii", "replace")) is not None
    if not sound or url.userinfo or url.query or url.fragment:
        raise Unready("ADDRESS_INVALID", address=server)
    if url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK):
        return str(url).rstrip("/")
    raise Unready("ADDRESS_INSECURE", address=server)


def _tls(authority: str | None, certificate: tuple[ApiKey, bytes] | None) -> ssl.SSLContext:
    try:
        context = (
            httpx.create_ssl_context()
            if authority is None
            else ssl.create_default_context(cadata=authority)
        )
    except (ssl.SSLError, ValueError) as error:
        raise Unready("AUTHORITY_INVALID") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # A host's name stands in the list of names or nowhere (RFC 9525 §2).
    context.hostname_checks_common_name = False
    if certificate is not None:
        present(context, *certificate)
    return context


@contextmanager
def _network() -> Iterator[None]:
    """Name the failures of the network."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise Unreachable("NETWORK_SILENT") from error
    except httpx.ConnectError as error:
        raise Unreachable("NETWORK_GONE") from error
    except httpx.TransportError as error:
        raise Unreachable("NETWORK_BROKEN") from error
    except httpx.DecodingError as error:
        raise Distrusted("ANSWER_MALFORMED") from error
