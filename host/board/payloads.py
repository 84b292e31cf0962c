"""Records of the wire protocol: the payloads of a macro's streams as bytes."""

from ...hdl.macro.ports import input_layout, output_layout, write_layout
from ...hdl.uart_bridge.protocol import LINK_COUNTERS
from ...verif.sim.player import decode_result, encode_vector, encode_write


def pack_record(layout, fields):
    """The bytes of a record from the fields of its stream, as integers."""
    word = sum((fields[name] & (1 << field.width) - 1) << field.offset for name, field in layout)
    return word.to_bytes((layout.size + 7) // 8, "little")


def write_record(config, write):
    """The record of a `Write`."""
    return pack_record(write_layout(config), encode_write(config, write))


def vector_record(config, vector):
    """The record of a `Vector`."""
    return pack_record(input_layout(config), encode_vector(config, vector))


def read_result(config, record, vector):
    """The `Result` in a record, which is that of a vector."""
    word = int.from_bytes(record, "little")
    fields = {name: word >> field.offset & (1 << field.width) - 1 for name, field in output_layout(config)}
    return decode_result(config, fields["y"], fields["sum_x"], min(vector.fuse, config.fuse))


def read_counters(record):
    """The counters by name."""
    values, low = {}, 0
    for name, width in LINK_COUNTERS.items():
        values[name] = int.from_bytes(record[low:low + width], "little")
        low += width
    return values
