"""Tables of an engine's documents: its configuration, descriptors and registers, and what `bitline fuzz` counted."""

import dataclasses
import struct

from ...golden.engine.descriptor import FIELDS, SIZE
from ...golden.engine.image import Fault
from ...hdl.config import allowed
from ...hdl.config.engine import EngineConfig
from ...hdl.engine_core.register_map import engine_register_map
from ..common.markdown import table
from ..integration.c_headers import FULL_ENGINE
from .core_tables import fields_table


def configuration_table():
    """Parameters of an engine beside its macro."""
    rows = [(f"`{field.name}`", allowed(field).replace("|", ", "), field.metadata["meaning"], str(field.default))
            for field in dataclasses.fields(EngineConfig)[1:]]
    return table(("parameter", "values", "meaning", "default"), rows)


def descriptors_table():
    """Byte, bits and meaning of each field of a descriptor."""
    rows, offset = [], 0
    for name, code, meaning in FIELDS:
        size = struct.calcsize(code)
        rows.append((str(offset), f"{8 * size}{' signed' if code.islower() else ''}", f"`{name}`", meaning))
        offset += size
    return table(("byte", "bits", "field", ""), [*rows, (f"{offset} to {SIZE - 1}", "", "", "zeros")])


def registers_table():
    """Those of an engine core."""
    return fields_table(engine_register_map(FULL_ENGINE))


def drawn_programs_table(record):
    """How drawn programs ended, and of hostile ones in which descriptors, from what `bitline fuzz --engine` wrote."""
    programs, descriptors = record["programs"], record["descriptors"]
    ends = ["END", "canceled", *(fault.name for fault in Fault if fault)]
    rows = [_counts(kind, programs[kind], ends) for kind in sorted(programs, reverse=True)]
    heads = ("programs", *ends[:2], *(str(Fault[name].value) for name in ends[2:]))
    ended = table(heads, rows)
    ends = ["equal", *ends[2:]]
    rows = [_counts(kind, descriptors[kind], ends) for kind in sorted(descriptors)]
    return f"{ended}\n\n{table(('descriptors', 'equal', *heads[3:]), rows)}"


def _counts(kind, found, ends):
    return (kind, *(f"{found.get(end, 0):,}" for end in ends))
