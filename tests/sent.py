"""Rows as they reach the functions that make records of them."""

from __future__ import annotations

import json

from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.transport import Answer


def sent(row):
    """The row as the reader of answers leaves it: storable text alone, and its properties not decoded yet."""
    body = json.dumps({"data": [row], "count": 1, "totalRecords": 1}).encode()
    return answers.row(answers.page(Answer(200, {}, body)).rows[0])
