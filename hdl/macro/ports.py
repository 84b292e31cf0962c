"""The ports of a macro: payloads of its streams, and their ports in Verilog."""

from dataclasses import dataclass

from amaranth.hdl import Shape, Value, signed, unsigned
from amaranth.lib import data

HANDSHAKE = ("valid", "ready")

# What each port of the Verilog module is for.
PORT_MEANINGS = {
    "clk": "clock, rising edge",
    "rst": "reset, synchronous, active high; one cycle is enough; bitcells keep their weights",
    "write_valid": "a row of weights is offered",
    "write_ready": "it is taken at this edge; waits while a vector in flight uses the bank",
    "write_bank": "bank to write",
    "write_row": "row to write",
    "write_weights": "a weight for each column, column 0 in the lowest bits, two's complement",
    "i_valid": "a vector is offered",
    "i_ready": "it is taken at this edge",
    "i_x": "an input for each row, row 0 in the lowest bits",
    "i_bits": "how many of the lowest bits of each input count",
    "i_signed": "the inputs are two's complement",
    "i_bank": "bank to compute with",
    "i_accumulate": "add to the totals of the vector before",
    "i_fuse": "logarithm of how many neighboring columns make one weight",
    "o_valid": "a result is offered",
    "o_ready": "it is taken at this edge; enables the pipeline in the same cycle",
    "o_y": "a total for each column, column 0 in the lowest bits, two's complement; fused results fill the lanes of "
           "their columns",
    "o_sum_x": "the total of the inputs, two's complement",
}


def descriptor_layout(config):
    """What comes with the values of a vector."""
    return data.StructLayout({
        "bits": range(config.input_bits + 1),
        "bank": range(config.banks),
        **result_descriptor_layout(config).members,
    })


def result_descriptor_layout(config):
    """The part of the descriptor that follows a vector to its result."""
    return data.StructLayout({
        "signed": 1,
        "accumulate": int(config.max_accumulations > 1),
        "fuse": range(config.fuse.bit_length()),
    })


def write_layout(config):
    """Payload of the ``write`` stream."""
    return data.StructLayout({
        "bank": range(config.banks),
        "row": range(config.rows),
        "weights": data.ArrayLayout(signed(config.weight_bits), config.columns),
    })


def input_layout(config, has_plane_mask=False):
    """Payload of the ``i`` stream: the values, the vector's descriptor, and in a core its plane mask."""
    return data.StructLayout({
        "x": data.ArrayLayout(unsigned(config.input_bits), config.rows),
        **{name: field.shape for name, field in descriptor_layout(config)},
        **({"plane_mask": config.input_bits} if has_plane_mask else {}),
    })


def output_layout(config):
    """Payload of the ``o`` stream."""
    return data.StructLayout({
        "y": data.ArrayLayout(signed(config.total_width), config.columns),
        "sum_x": signed(config.sum_x_width),
    })


@dataclass(frozen=True)
class Port:
    """One port of the Verilog module beside ``clk`` and ``rst``."""

    stream: str
    field: str
    is_input: bool
    shape: Shape

    @property
    def name(self):
        """Its name in Verilog."""
        return f"{self.stream}_{self.field}"


def is_result(port):
    """Whether it is a part of a result, which is valid only while ``o_valid`` is high."""
    return port.stream == "o" and port.field not in HANDSHAKE


def ports(config):
    """The ports of the Verilog module; fields of zero bits in this configuration have none."""
    for stream_name, layout, is_input in (("write", write_layout(config), True), ("i", input_layout(config), True),
                                          ("o", output_layout(config), False)):
        yield Port(stream_name, "valid", is_input, unsigned(1))
        yield Port(stream_name, "ready", not is_input, unsigned(1))
        for name, field in layout:
            shape = Shape.cast(field.shape)
            if shape.width:
                yield Port(stream_name, name, is_input, shape)


def port_values(macro):
    """Values of a component's streams, by the names of the ports of the Verilog module."""
    values = {}
    for name, side in (("write", macro.write), ("i", macro.i), ("o", macro.o)):
        values |= {f"{name}_valid": side.valid, f"{name}_ready": side.ready}
        values |= {f"{name}_{field}": Value.cast(side.payload[field]) for field, _ in side.payload.shape()}
    return values
