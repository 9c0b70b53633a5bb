"""Statements of the hot paths: what a row does not give is missed, on either database."""

import pytest
from sqlalchemy import Engine, bindparam, insert, select, update

from cipher_service.storage.statements import Statement
from cipher_service.storage.tables.registers import counter
from cipher_service.storage.unit_of_work import reading, unit_of_work

PUT = Statement(insert(counter), ["name", "value"])


def test_a_row_that_lacks_a_column_is_refused(engine: Engine) -> None:
    with pytest.raises(Exception, match="value"), unit_of_work(engine) as connection:
        PUT.run_many(connection, [{"name": "a"}])
    with reading(engine) as connection:
        assert connection.execute(select(counter)).all() == []


def test_a_literal_of_the_clause_is_given_by_itself(engine: Engine) -> None:
    advance = Statement(
        update(counter)
        .where(counter.c.name == bindparam("which"))
        .values(value=counter.c.value + 1)
    )
    with unit_of_work(engine) as connection:
        assert PUT.run_many(connection, [{"name": "a", "value": 1}, {"name": "b", "value": 7}]) == 2
        advance.run(connection, {"which": "b"})
    with reading(engine) as connection:
        values = connection.execute(select(counter.c.name, counter.c.value)).all()
    assert sorted(map(tuple, values)) == [("a", 1), ("b", 8)]
