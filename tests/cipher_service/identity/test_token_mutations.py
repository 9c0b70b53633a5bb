"""Seeded mutations of tokens, with PyJWT and joserfc as second and third opinions.

`make gates` mutates 200,000; as many as one likes, with another seed:
`python -m tests.cipher_service.identity.test_token_mutations N [SEED]`.
"""

import json
import os
import random
import sys

from tests.cipher_service.identity.oracles import joserfc_accepts, pyjwt_accepts
from tests.cipher_service.identity.token_workshop import Workshop, b64, signed, written

MUTATIONS = 200_000 if os.environ.get("GATES") == "full" else 5_000
KINDS = ("access", "assertion", "proof")
ODD = [
    None, True, False, 0, 1, -1, 2**53, 2**63, 10**40, 1.5, "", "ES256", "none", "HS256", "\ud800",
    "\0", [], {}, ["ES256"], {"jkt": "A" * 43}, "A" * 43, "at+jwt", "dpop+jwt", "é", "PARIS",
]  # fmt: skip


def mutated(random_source: random.Random, workshop: Workshop, kind: str) -> str:
    """One token: its bytes changed, or its members changed and signed again with the right key."""
    if random_source.random() < 0.5:
        return _bytes_changed(random_source, workshop.token(kind))
    header, claims = workshop.header(kind), workshop.claims(kind)
    for _ in range(random_source.randint(0, 2)):
        target = random_source.choice([header, claims, claims])
        name = random_source.choice([*target, "crit", "x", "nbf", "exp"])
        action = random_source.randint(0, 3)
        if action == 0:
            target.pop(name, None)
        elif action == 1 and isinstance(target.get(name), int):
            target[name] += random_source.randint(-400, 400)
        elif action == 2 and isinstance(target.get(name), str):
            target[name] = _text_changed(random_source, target[name])
        else:
            target[name] = random_source.choice(ODD)
    raw = written(claims)
    if random_source.random() < 0.1:
        name = random_source.choice(["iat", "jti", "aud"])
        raw = raw.replace(b"{", b'{"%s":1,' % name.encode(), 1)
    return signed(workshop.key(kind), written(header), raw)


def _bytes_changed(random_source: random.Random, token: str) -> str:
    characters = list(token)
    for _ in range(random_source.randint(1, 3)):
        place = random_source.randrange(len(characters))
        match random_source.randint(0, 4):
            case 0:
                characters[place] = chr(random_source.choice([*range(128), 233, 0x2028]))
            case 1:
                del characters[place]
            case 2:
                characters.insert(place, random_source.choice(".=!-_AZ\n\0+/"))
            case 3:
                other = random_source.randrange(len(characters))
                characters[place], characters[other] = characters[other], characters[place]
            case _:
                deep = random_source.choice(["[", '{"a":', "9"]) * random_source.randint(1, 2500)
                header, _, rest = "".join(characters).partition(".")
                _, _, signature = rest.partition(".")
                characters = list(f"{header}.{b64(deep.encode())}.{signature}")
    return "".join(characters)


def _text_changed(random_source: random.Random, text: str) -> str:
    place = random_source.randint(0, len(text))
    return text[:place] + random_source.choice(["", "x", "\n", "/", "é"]) + text[place + 1 :]


def run(count: int, seed: int) -> dict[str, int]:
    """Mutate `count` tokens and count the answers; a foreign exception stops the run."""
    random_source = random.Random(seed)
    tally = {"mutated": 0, "accepted": 0, "we accept, they refuse": 0}
    for number in range(count):
        if number % 2000 == 0:
            workshop = Workshop()  # also keeps the oracles' clock close to ours
        kind = random_source.choice(KINDS)
        token = mutated(random_source, workshop, kind)
        tally["mutated"] += 1
        if not workshop.accepted(kind, token):
            continue
        tally["accepted"] += 1
        if not (pyjwt_accepts(workshop, kind, token) and joserfc_accepts(workshop, kind, token)):
            tally["we accept, they refuse"] += 1
            print("DISAGREEMENT", kind, json.dumps(token))
    return tally


def test_no_mutation_is_accepted_that_another_library_refuses() -> None:
    tally = run(MUTATIONS, seed=1)
    assert tally["we accept, they refuse"] == 0
    # Mutations that change nothing that matters are part of the run, or it would prove nothing.
    assert 0 < tally["accepted"] < tally["mutated"] // 2


if __name__ == "__main__":
    print(run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
