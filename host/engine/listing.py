"""A compiled network in words, and what it costs."""

from dataclasses import dataclass

from ...golden.engine.descriptor import Flags, Operation


@dataclass(frozen=True)
class Cost:
    """What a descriptor takes, if no plane is skipped.

    Attributes
    ----------
    number : int
    operation, location : str
    cycles : int
        0 of one that feeds the next, whose cycles are those of both.
    memory : int
        Bytes of the tensors that it reads and writes.
    weights, inputs, sums, outputs : int
        Bytes that are moved: of tiles and taps into the array and the depthwise unit, of windows, of partial sums to
        and from their memory, and of results.
    """

    number: int
    operation: str
    location: str
    cycles: int
    memory: int
    weights: int
    inputs: int
    sums: int
    outputs: int


def costs(compiled):
    """The `Cost` of each descriptor but END."""
    return [_cost(compiled, number, step, descriptor)
            for number, (step, descriptor) in enumerate(zip(compiled.steps, compiled.program))]


def _cost(compiled, number, step, descriptor):
    config, columns = compiled.config, compiled.config.columns
    weights = inputs = sums = 0
    outputs = descriptor.target_height * descriptor.target_width * descriptor.channels
    if descriptor.operation == Operation.CONV:
        loads = compiled.loads[descriptor.weights:descriptor.weights + len(descriptor.passes)]
        weights = sum(load.rows for load in loads if not load.keeps) * columns
        inputs = descriptor.vectors * descriptor.rows * len(descriptor.channel_blocks)
        # A part that is not the first reads sums, one that is not the last writes them.
        moved = 2 * (len(descriptor.parts) - 1) * outputs
        sums = moved * -(-config.sum_bits // 8)
        inputs += outputs if descriptor.is_residual else 0
    elif descriptor.operation == Operation.DEPTHWISE:
        weights = config.tap_rows * -(-descriptor.channels // config.depthwise) * columns
        inputs = descriptor.source_height * descriptor.source_width * descriptor.channels
    elif descriptor.operation == Operation.ADD:
        inputs = 2 * outputs
    elif not descriptor.is_summed:
        inputs = outputs * descriptor.tall * descriptor.wide
    tensors = {id(buffer): buffer.size for buffer in (step.source, step.target, step.residual) if buffer is not None}
    return Cost(number, Operation(descriptor.operation).name, step.location, compiled.cycles.get(number, 0),
                sum(tensors.values()), weights, inputs, sums, 0 if descriptor.feeds else outputs)


def lines(compiled):
    """The program in words, a line for each descriptor."""
    return [f"{number:3d} {_words(compiled, descriptor, step)}" for number, (descriptor, step) in enumerate(
        zip(compiled.program, [*compiled.steps, None]))]


def _words(compiled, descriptor, step):
    operation = Operation(descriptor.operation)
    source = _tensor(descriptor, "source", descriptor.depth)
    if operation == Operation.END:
        return f"END: the greatest of {descriptor.depth} bytes at {descriptor.source}"
    target = _tensor(descriptor, "target", descriptor.channels)
    head = f"{operation.name} {step.location}: "
    if operation == Operation.CONV:
        return head + f"{_patches(descriptor, step, source)} to {target}{_extras(descriptor)}"
    if operation == Operation.ADD:
        return head + f"{source} and {_tensor(descriptor, 'residual', descriptor.channels)} to {target}"
    window = f"windows of {descriptor.tall} x {descriptor.wide} every {descriptor.step_y} x {descriptor.step_x}"
    if operation == Operation.DEPTHWISE:
        taps = f"taps in rows of tiles from {descriptor.weights} on"
        return head + f"{source}, {window}, {taps}, to {'the CONV that follows' if descriptor.feeds else target}"
    kind = "greatest" if descriptor.flags & Flags.MAXIMUM else "sums"
    return head + (f"sums of the CONV before to {target}" if descriptor.is_summed else
                   f"{source}, {kind} of {window}, to {target}")


def _patches(descriptor, step, source):
    tiles = len(descriptor.channel_blocks) * len(descriptor.parts)
    what = "vectors of the DEPTHWISE before" if step.is_fed else (
        f"{source}, patches of {descriptor.tall} x {descriptor.wide} x {descriptor.depth}")
    return (f"{what}, {descriptor.vectors} vectors for {descriptor.block_height} x {descriptor.block_width} positions, "
            f"{min(descriptor.outputs, descriptor.channels)} channels, {tiles} tiles of "
            f"{min(descriptor.part_rows, descriptor.rows)} rows, {len(descriptor.strips)} strips, loads from "
            f"{descriptor.weights} on,")


def _extras(descriptor):
    residual = f", plus {_tensor(descriptor, 'residual', descriptor.channels)}" if descriptor.is_residual else ""
    return residual + (", summed up" if descriptor.is_summed else "")


def _tensor(descriptor, name, depth):
    """Where a tensor is."""
    size = "target" if name == "residual" else name
    return (f"{getattr(descriptor, f'{size}_height')} x {getattr(descriptor, f'{size}_width')} x {depth} at "
            f"{getattr(descriptor, name)}")
