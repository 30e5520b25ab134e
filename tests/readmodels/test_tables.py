"""The tables that the migrations make are those that the read models mean."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.schema import CreateIndex

from projections.models import MODELS
from projections.places import metadata

TABLES = sorted(metadata.tables)


def test_every_model_has_its_table() -> None:
    assert {model.NAME for model in MODELS} < set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_migrated_table_has_the_columns_that_are_meant(engine: Engine, name: str) -> None:
    meant, found = metadata.tables[name], sa.Table(name, sa.MetaData(), autoload_with=engine)
    assert described(found, engine) == described(meant, engine)
    assert found.primary_key.columns.keys() == meant.primary_key.columns.keys()
    assert found.comment in (meant.comment, None)


@pytest.mark.parametrize("name", TABLES)
def test_a_migrated_table_has_the_indexes_that_are_meant(engine: Engine, name: str) -> None:
    found = sa.inspect(engine).get_indexes(name)
    meant = metadata.tables[name].indexes
    assert {(i["name"], tuple(i["column_names"]), bool(i["unique"])) for i in found} == {
        (index.name, tuple(index.columns.keys()), bool(index.unique)) for index in meant
    }


@pytest.mark.parametrize("name", TABLES)
def test_indexes_of_a_part_are_of_the_part_that_is_meant(sqlite_engine: Engine, name: str) -> None:
    with sqlite_engine.connect() as connection:
        for index in metadata.tables[name].indexes:
            asked = sa.text("SELECT sql FROM sqlite_master WHERE name = :name")
            found = connection.scalar(asked, {"name": index.name})
            assert part(found) == part(str(CreateIndex(index).compile(sqlite_engine)))


def part(statement: str | None) -> str:
    return (statement or "").partition(" WHERE ")[2].replace('"', "")


def described(table: sa.Table, engine: Engine) -> list[tuple[str, str, bool | None]]:
    return [(c.name, c.type.compile(engine.dialect), c.nullable) for c in table.columns]
