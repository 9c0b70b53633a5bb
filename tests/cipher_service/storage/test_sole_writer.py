import pytest
from sqlalchemy import Engine

from cipher_service.errors import ServiceError
from cipher_service.storage.engine import open_existing
from cipher_service.storage.sole_writer import sole_writer


def test_a_second_registrar_is_refused_until_the_first_has_gone(
    engine: Engine, database_url: str
) -> None:
    other = open_existing(database_url)
    with sole_writer(engine):
        with pytest.raises(ServiceError) as refusal, sole_writer(other):
            pytest.fail("two registrars on one database")
        assert refusal.value.code == "ALREADY_SERVED"
    with sole_writer(other):
        pass
    other.dispose()
