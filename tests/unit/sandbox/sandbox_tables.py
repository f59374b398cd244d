"""Tables of a test's own, and a short way to ask them."""

import orjson

from tap_mdc_vm_sandbox import kql
from tap_mdc_vm_sandbox.store import Rows, Store, View


def rows(store: Store, text: str, **view: object) -> Rows:
    return store.answer(kql.understood(text), View(**{"number": 1, "top": 1000, **view}))


def small_store(tables: dict[str, list[dict]], **options: object) -> Store:
    """A store with the rows of a test; columns that a row lacks are null."""
    store = Store(seed=1, **options)
    store.load({table: [orjson.dumps(_completed(row)) for row in given] for table, given in tables.items()})
    return store


def _completed(row: dict) -> dict:
    return {name: row.get(name, "" if name in kql.SCALARS else None) for name in kql.COLUMNS}
