"""What everything between Azure's rows and Singer's messages hands on."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]
"""One record of a stream: values by field name."""
