"""Payloads of the wire protocol: writes, vectors, results and counters as bytes."""

from ...hdl.macro.ports import input_layout, output_layout, write_layout
from ...hdl.uart_bridge.protocol import LINK_COUNTERS
from ...verif.sim.port_fields import decode_result, encode_vector, encode_write


def pack_fields(layout, fields):
    """The integer fields of a stream's payload as bytes."""
    word = sum((fields[name] & (1 << field.width) - 1) << field.offset for name, field in layout)
    return word.to_bytes((layout.size + 7) // 8, "little")


def write_payload(config, write):
    """A `Write` as bytes."""
    return pack_fields(write_layout(config), encode_write(config, write))


def vector_payload(config, vector):
    """A `Vector` as bytes."""
    return pack_fields(input_layout(config), encode_vector(config, vector))


def read_result(config, payload, vector):
    """The `Result` of a vector from its bytes."""
    word = int.from_bytes(payload, "little")
    fields = {name: word >> field.offset & (1 << field.width) - 1 for name, field in output_layout(config)}
    return decode_result(config, fields["y"], fields["sum_x"], min(vector.fuse, config.fuse))


def read_counters(payload):
    """The counters by name."""
    values, low = {}, 0
    for name, width in LINK_COUNTERS.items():
        values[name] = int.from_bytes(payload[low:low + width], "little")
        low += width
    return values
