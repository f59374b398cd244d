"""From Azure's words to the labels of a destination: maps in the SDK's own language, checked, compiled and shown."""

from tap_mdc_vm.stream_maps.checking import load
from tap_mdc_vm.stream_maps.map_file import TransformMap
from tap_mdc_vm.stream_maps.mapper import Mapper

__all__ = ["Mapper", "TransformMap", "load"]
