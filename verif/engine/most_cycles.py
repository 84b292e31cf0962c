"""How long descriptors run at most."""

from ...golden.engine.descriptor import Operation
from ...golden.engine.sources import row_cycles

# More than the latencies of a descriptor, and than what a tile takes beside its rows and vectors.
BESIDE, OF_TILE = 200, 40


def most_cycles(config, program):
    """A bound on the cycles of descriptors, of which no length is zero, without a simulation.

    All that goes on beside each other is added up.
    """
    return sum(BESIDE + _most_of(config, descriptor) for descriptor in program)


def _most_of(config, descriptor):
    words = -(-descriptor.channels // config.lanes)
    if descriptor.operation == Operation.CONV:
        return _convolution(config, descriptor)
    if descriptor.operation == Operation.DEPTHWISE:
        taps = config.tap_rows * -(-descriptor.channels // config.depthwise)
        taps = (taps + config.rows_ahead) * config.row_cycles
        return taps + descriptor.wide * words + descriptor.target_height * row_cycles(descriptor, config)[0]
    if descriptor.operation == Operation.POOL:
        pixels = 1 if descriptor.is_summed else descriptor.tall * descriptor.wide
        return descriptor.vectors * words * pixels
    return 2 * descriptor.vectors * words if descriptor.operation == Operation.ADD else descriptor.depth


def _convolution(config, descriptor):
    macro, positions = config.macro, descriptor.block_height * descriptor.block_width
    parts = -(-descriptor.rows // descriptor.part_rows)
    slots = positions * -(-min(descriptor.outputs, descriptor.channels) // config.lanes)
    of_vector = macro.input_bits + 1 + macro.result_interval + (1 + descriptor.is_residual) * slots
    # A read ends with a part, too.
    reads = descriptor.reads_of_window(config.lanes) + parts
    ranges = -(-descriptor.channels // descriptor.outputs)
    rows = descriptor.tiles * (min(descriptor.part_rows, macro.rows) * config.row_cycles + OF_TILE)
    return rows + ranges * descriptor.vectors * (parts * of_vector + reads)
