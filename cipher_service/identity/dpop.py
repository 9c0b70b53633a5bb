"""A proof of possession belongs to one request and one token (RFC 9449 §4.3).

The checks, in order; the signature and the age were checked by `identity.tokens.read_proof`:

1. the proof's key is the one that the access token names (`cnf.jkt`);
2. `htm` is this request's method;
3. `htu` is this request's address without query, spelled exactly as the issuer spells it;
4. `ath` is the SHA-256 of the access token; at the token endpoint there is none.

The caller then claims the proof's `jti` once (`storage.replay`).
"""

from cipher_service.identity.tokens import BY_PROOF, AccessToken, Proof, TokenRefused


def check(proof: Proof, *, method: str, url: str) -> None:
    """Check a proof that accompanies a token request.

    Raises:
        TokenRefused: made for another request, or for a token.
    """
    if proof.token_hash is not None:
        raise TokenRefused("claims")
    _check_request(proof, method, url)


def check_bound(proof: Proof, access: AccessToken, *, method: str, url: str) -> None:
    """Check a proof that accompanies an access token.

    Raises:
        TokenRefused: another key (a stolen token), another request, or another token.
    """
    if (access.bound_by, access.bound_to) != (BY_PROOF, proof.jkt):
        raise TokenRefused("key")
    _check_request(proof, method, url)
    if proof.token_hash != access.digest:
        raise TokenRefused("claims")


def _check_request(proof: Proof, method: str, url: str) -> None:
    if proof.method != method or proof.url != url:
        raise TokenRefused("claims")
