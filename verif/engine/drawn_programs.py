"""Drawn programs: images of layers that break no rule, and are short."""

from dataclasses import replace

import numpy as np

from ...golden.engine.checks import Checks
from ...golden.engine.descriptor import RANGES, Descriptor, Operation
from ...golden.engine.image import INPUT, OUTPUT, PARAMETER, PORT, EngineError, Image, Load
from ...golden.requantize import SHIFTS
from .drawn_layers import DrawnLayers
from .most_cycles import most_cycles

# Cycles that a layer may take, and layers before END.
LONGEST, LAYERS = 3000, 4
# Rows of tiles that there are at most.
MOST_ROWS = 512


def draw_image(rng, config):
    """An image that breaks no rule, of up to `LAYERS` layers and END; its input is the whole memory.

    Parameters
    ----------
    rng : numpy.random.Generator
    config : EngineConfig

    Returns
    -------
    Image
    """
    image = _empty(rng, config)
    layers = DrawnLayers(rng, config, image)
    for _ in range(layers.between(1, LAYERS)):
        kind = layers.kinds[layers.between(1, len(layers.kinds)) - 1]
        image = _with(rng, config, image, kind)
    return _with(rng, config, image, layers.end)


def draw_sum(rng, config):
    """A descriptor, an ADD, that breaks no rule."""
    image = _empty(rng, config)
    return _with(rng, config, image, DrawnLayers(rng, config, image).sum_of_two).program[0]


def _empty(rng, config):
    """An image without descriptors and loads."""
    ports = np.array([(INPUT, 0, 1, config.activation_bytes, 0, 1), (OUTPUT, 0, 1, 1, 0, 1)], PORT)
    # Seldom all, because they are loaded word by word.
    room = min(config.most_tile_rows, MOST_ROWS), config.parameter_slots
    rows, slots = (most if rng.integers(4) == 0 else most // 4 for most in room)
    tiles = rng.integers(-128, 128, (rows, config.columns)).astype(np.int8)
    return Image([], [], tiles, _parameters(rng, slots, config.lanes), ports, np.zeros(0, np.int8))


def _parameters(rng, *shape):
    """Of so many slots and lanes; results of most sums are within their range."""
    found = np.zeros(shape, PARAMETER)
    found["bias"] = rng.uniform(-1, 1, shape) * 2.0 ** rng.integers(1, 30, (shape[0], 1))
    found["multiplier"] = rng.integers(0, 1 << 31, shape)
    low, high = SHIFTS
    found["shift"] = np.where(rng.integers(8, size=shape), rng.integers(-14, -2, shape),
                              rng.integers(low, high + 1, shape))
    return found


def _with(rng, config, image, kind):
    """An image with one more layer of a kind: the first that is drawn that is short and breaks no rule."""
    while True:
        layer = [Descriptor(**{**_unused(rng), **fields}) for fields in kind()]
        layer = [each._replace(weights=len(image.loads)) if each.operation == Operation.CONV else each
                 for each in layer]
        if most_cycles(config, layer) <= LONGEST:
            found = replace(image, program=image.program + layer, loads=_loads(rng, config, image, layer))
            if _is_valid(config, found):
                return found


def _unused(rng):
    """Fields for those that a layer does not give: all zero, or all of any value."""
    if rng.integers(4):
        return {}
    return {name: int(rng.integers(low, high + 1)) for name, (low, high) in RANGES.items() if name != "flags"}


def _loads(rng, config, image, layer):
    """Those that there are, and one of each tile of a layer; some keep what is in their bank."""
    loads, banks = list(image.loads), config.macro.banks
    for descriptor in layer:
        for _, _, (first, end) in descriptor.passes if descriptor.operation == Operation.CONV else ():
            rows = end - first
            before = loads[-banks] if len(loads) >= banks else None
            keeps = before and before.rows == rows and rng.integers(2)
            loads.append(replace(before, keeps=True) if keeps else
                         Load(int(rng.integers(len(image.tiles) - rows + 1)), rows))
    return loads


def _is_valid(config, image):
    """Whether no rule is broken, if END follows."""
    if image.program[-1].operation != Operation.END:
        image = replace(image, program=[*image.program, Descriptor(depth=1, source_limit=1)])
    if len(image.program) > config.program_length or len(image.loads) > config.load_entries:
        return False
    try:
        Checks(config, image).run()
    except EngineError:
        return False
    return True
