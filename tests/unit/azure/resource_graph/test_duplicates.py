from __future__ import annotations

import json

import pytest

from tap_mdc_vm import queries
from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.resource_graph.duplicates import Duplicates
from tap_mdc_vm.azure.transport import Answer

DATED = '{"id": "/A", "properties": {"status": {"statusChangeDate": "2026-03-04T05:16:03Z"}}}'


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_rows_with_one_id_one_that_can_be_read_counts_before_one_that_can_not(first):
    rows = [DATED, '{"id": "/a", "properties": {"risk": 1e999}}']
    body = f'{{"data": [{rows[first]}, {rows[1 - first]}], "count": 2, "totalRecords": 2}}'
    given = answers.page(Answer(200, {}, body.encode())).rows
    found = Duplicates(queries.unfiltered("assessments")).by_id(given)
    assert [json.loads(bytes(row.json))["id"] for row in found.values()] == ["/A"]
