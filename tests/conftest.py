"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""Rows and exchanges captured from Azure; they lie beside the checkout and are no part of it."""

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of captured rows; a test that needs it is skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the captured rows of Azure are not beside this checkout (../shared)")
    return SHARED
