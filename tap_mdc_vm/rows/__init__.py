"""One row of Resource Graph in, one record of a stream out.

Each function gets a row, what is known of the resources that it is joined to (an index of :mod:`tap_mdc_vm.joins`),
and a context: what the row can't say itself.
"""
