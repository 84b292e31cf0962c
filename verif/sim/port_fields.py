"""What the ports of a macro carry, as integers."""

from ...golden.bits import from_bits, to_bits
from ...golden.macro import Result


def encode_write(config, write):
    """Fields of the ``write`` port for a `Write`, as integers."""
    return {"bank": write.bank, "row": write.row, "weights": to_bits(write.weights, config.weight_bits)}


def encode_vector(config, vector):
    """Fields of the ``i`` port for a `Vector`, as integers."""
    return {"x": to_bits(vector.x, config.input_bits), "bits": vector.bits, "bank": vector.bank,
            "signed": int(vector.signed), "accumulate": int(vector.accumulate), "fuse": vector.fuse.bit_length() - 1}


def decode_result(config, y, sum_x, fuse):
    """The `Result` in the fields of the ``o`` port, without the number of planes, which hardware does not output."""
    values = from_bits(y, config.total_width * fuse, config.columns // fuse)
    return Result(values, int(from_bits(sum_x, config.sum_x_width, 1)[0]), None)
