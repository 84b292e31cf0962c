"""Hostile programs: drawn ones of which a few fields, or loads, have other values."""

from dataclasses import dataclass, replace

from ...golden.engine.descriptor import FIELDS, RANGES, Descriptor, Operation
from ...golden.engine.image import Fault, Image, Load
from .broken_rules import end_of
from .drawn_programs import draw_sum

CONV, DEPTHWISE, POOL, ADD = Operation.CONV, Operation.DEPTHWISE, Operation.POOL, Operation.ADD
# Operations that may have a fault, and fields that have to do with it, so that each is drawn often.
OF_FAULT = {
    Fault.OPERATION: (list(Operation), ("operation", "flags")),
    Fault.NUMBER: ((CONV, DEPTHWISE, POOL, ADD), (
        "rounding", "low", "high", "term_shift", "term_multiplier", "sum_low", "sum_high", "source_height",
        "source_width", "depth", "tall", "wide", "step_y", "step_x", "target_height", "target_width", "channels",
        "outputs", "block_height", "block_width", "part_rows", "strip")),
    Fault.NEIGHBOR: ((CONV, DEPTHWISE, POOL), ("flags", "operation", "channels", "target", "target_limit",
                                               "target_height", "target_width", "part_rows", "outputs")),
    Fault.SOURCE: (list(Operation), ("source", "source_limit", "source_pitch", "source_pixel", "source_height",
                                     "source_width", "depth", "tall", "wide", "step_y", "step_x", "top", "left")),
    Fault.TARGET: ((CONV, DEPTHWISE, POOL, ADD), ("target", "target_limit", "target_pitch", "target_pixel",
                                                  "target_height", "target_width", "channels")),
    Fault.RESIDUAL: ((CONV, ADD), ("residual", "residual_limit", "residual_pitch", "residual_pixel")),
    Fault.TILE: ((CONV,), ("outputs", "block_height", "block_width", "part_rows", "weights", "split", "wide", "left",
                           "step_x")),
    Fault.SUM: ((CONV,), ("strip", "part_rows", "target_height", "target_width", "step_y", "step_x")),
    Fault.PARAMETER: ((CONV, DEPTHWISE, POOL, ADD), ("parameters", "sum_slot")),
    Fault.UNIT: ((DEPTHWISE, POOL), ("tall", "wide", "step_y", "step_x", "top", "left", "weights", "source_pixel",
                                     "source_pitch")),
}


@dataclass(frozen=True)
class Hostile:
    """A changed image.

    Attributes
    ----------
    image : Image
    unchanged : int
        Descriptors before the first that is another, or has another load.
    has_loads : bool
        All loads are those that they were, so that what is unchanged takes the same cycles.
    """

    image: Image
    unchanged: int
    has_loads: bool = True


def draw_hostile(rng, config, image):
    """A `Hostile` of a valid image: one to three other fields, a limit, loads, or a program without END."""
    kind = rng.integers(40)
    if kind == 0:
        return _without_end(rng, config, image)
    if kind < 4 and image.loads:
        return _other_loads(rng, config, image)
    program = list(image.program)
    if kind < 12:
        number = int(rng.integers(len(program)))
        program[number] = _with_limit(rng, config, program[number])
        return Hostile(replace(image, program=program), number)
    for _ in range(int(rng.integers(1, 4))):
        operations, names = list(OF_FAULT.values())[rng.integers(len(OF_FAULT))]
        names = names if rng.integers(4) else [name for name, _, _ in FIELDS]
        numbers = [number for number, each in enumerate(program) if each.operation in operations]
        if numbers:
            number, name = (found[rng.integers(len(found))] for found in (numbers, names))
            program[number] = program[number]._replace(**{name: _other(rng, name, getattr(program[number], name))})
    same = [one == other for one, other in zip(program, image.program)]
    return Hostile(replace(image, program=_closed(config, program)), [*same, False].index(False))


def _with_limit(rng, config, descriptor):
    """A descriptor with a limit at the end of the bytes that are used, or up to a word before it."""
    names = ["source"]
    if descriptor.operation != Operation.END:
        names.append("target")
    if descriptor.is_residual or descriptor.operation == ADD:
        names.append("residual")
    name = names[rng.integers(len(names))]
    limit = end_of(descriptor, name) - int(rng.integers(config.lanes + 1))
    return descriptor._replace(**{f"{name}_limit": max(limit, 0)})


def _closed(config, program):
    """A program without an END, if it is shorter than the memory, with what is no descriptor behind it."""
    if any(each.operation == Operation.END for each in program) or len(program) == config.program_length:
        return program
    return [*program, Descriptor(operation=RANGES["operation"][1])]


def _other(rng, name, value):
    """A value beside another, at an end, twice or half as much, or any."""
    low, high = RANGES[name]
    found = [low, high, 0, 1, 2 * value, value // 2, value ^ 1 << int(rng.integers(high.bit_length())),
             int(rng.integers(low, high + 1)), *(value + int(rng.integers(-3, 4)) for _ in range(4))]
    return min(max(int(found[rng.integers(len(found))]), low), high)


def _without_end(rng, config, image):
    """As many descriptors as there is room for."""
    return Hostile(replace(image, program=[draw_sum(rng, config)] * config.program_length, loads=[]), 0)


def _other_loads(rng, config, image):
    """A load that is missing, or has other rows."""
    number, loads = int(rng.integers(len(image.loads))), list(image.loads)
    if rng.integers(2):
        del loads[number]
    else:
        loads[number] = Load(int(rng.integers(config.tile_rows)), int(rng.integers(config.macro.rows + 2)))
    convolutions = [index for index, each in enumerate(image.program)
                    if each.operation == Operation.CONV and each.weights <= number]
    return Hostile(replace(image, loads=loads), convolutions[-1], False)
