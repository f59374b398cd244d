"""Rows as they reach the functions that make records of them."""

from __future__ import annotations

import json

import msgspec

from tap_mdc_vm.azure.resource_graph.model import Row

_DECODER = msgspec.json.Decoder(Row)


def sent(row):
    """The row as the reader of answers leaves it: its properties not decoded yet."""
    return _DECODER.decode(json.dumps(row))
