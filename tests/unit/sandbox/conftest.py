"""What the sandbox's own tests share."""

import json
from collections.abc import Callable, Iterator

import pytest
from sandbox_tables import rows

from tap_mdc_vm_sandbox.fleet import Fleet
from tap_mdc_vm_sandbox.store import Store


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
