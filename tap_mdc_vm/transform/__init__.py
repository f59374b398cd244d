"""From Azure's words to the labels of a destination: maps in the SDK's own language, checked, compiled and shown."""

from tap_mdc_vm.transform.loading import TransformMap, load
from tap_mdc_vm.transform.mapper import Mapper

__all__ = ["Mapper", "TransformMap", "load"]
