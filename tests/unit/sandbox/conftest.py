"""What the sandbox's own tests share."""

import json
from collections.abc import Callable, Iterator

import orjson
import pytest

from tap_mdc_vm_sandbox import kql
from tap_mdc_vm_sandbox.fleet import Fleet
from tap_mdc_vm_sandbox.store import Rows, Store, View


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """The tenant that everybody gets who asks for none."""
    return Fleet()


@pytest.fixture(scope="session")
def store(fleet: Fleet) -> Iterator[Store]:
    """The tables of that tenant."""
    store = Store(seed=1)
    store.load(fleet.lines())
    yield store
    store.close()


@pytest.fixture(scope="session")
def ask(store: Store) -> Callable[..., list[dict]]:
    """A function that executes a query and returns its rows."""

    def answered(text: str, **view: object) -> list[dict]:
        return [json.loads(row) for row in rows(store, text, **view).texts]

    return answered


def rows(store: Store, text: str, **view: object) -> Rows:
    return store.answer(kql.understood(text), View(**{"number": 1, "top": 1000, **view}))


def small_store(tables: dict[str, list[dict]], **options: object) -> Store:
    """A store with the rows of a test; columns that a row lacks are null."""
    store = Store(seed=1, **options)
    store.load({table: [orjson.dumps(_completed(row)) for row in given] for table, given in tables.items()})
    return store


def _completed(row: dict) -> dict:
    return {name: row.get(name, "" if name in kql.SCALARS else None) for name in kql.COLUMNS}
