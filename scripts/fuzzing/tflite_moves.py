"""Drawn ``.tflite`` networks of operators that move elements, which keep their scale and zero point."""

import numpy as np

# Of what does not look at values.
KINDS = ("int8", "uint8", "int16", "int32", "float32")


def _move(kind, choose, options=None, position=0):
    """What draws a tensor that moves.

    ``choose(drawn, shape)`` gives the constant operands, the shapes of the outputs and fields of the options; the
    tensor is the operand at ``position``.
    """
    def draw(drawn):
        shape = drawn.lengths(int(drawn.rng.integers(1, 5)), 1, 12)
        constants, after, fields = choose(drawn, shape)
        quantization = drawn.quantization()
        inputs = [drawn.file.constant(values, "int32") for values in constants]
        inputs.insert(position, drawn.activation(shape, *quantization))
        outputs = [drawn.made(made, *quantization) for made in after]
        drawn.file.operator(kind, inputs, outputs, options, **fields)
    return draw


def _axis(drawn, shape):
    """A dimension, and the same as files have it, counted from either end."""
    axis = int(drawn.rng.integers(len(shape)))
    return axis, axis - len(shape) * int(drawn.rng.integers(2))


def _with(shape, axis, length):
    return (*shape[:axis], length, *shape[axis + 1:])


def _strided_slice(drawn, shape):
    """Bounds within and beyond, forward and backward, left out by masks; dimensions that go, come or are not named."""
    while True:
        bounds, keys, masks = [], [], dict.fromkeys(("Begin", "End", "Ellipsis", "NewAxis", "ShrinkAxis"), 0)
        for length in shape[:int(drawn.rng.integers(1, len(shape) + 1))]:
            if drawn.rng.integers(8) == 0 and len(shape) < 4 and not masks["NewAxis"]:
                masks["NewAxis"] |= 1 << len(keys)
                keys, bounds = [*keys, None], [*bounds, (0, 0, 1)]
            key, bound, left_out = _bounds(drawn.rng, length)
            for name in left_out:
                masks[name] |= 1 << len(keys)
            keys, bounds = [*keys, key], [*bounds, bound]
        named = len(keys) - keys.count(None)
        if named < len(shape) and drawn.rng.integers(4) == 0:
            # In front, so that the bounds are those of the last dimensions, which are all as long as the first.
            keys, bounds = [Ellipsis, *keys], [(0, 0, 1), *bounds]
            masks = {name: mask << 1 for name, mask in masks.items()} | {"Ellipsis": 1}
        try:
            after = np.empty(shape)[tuple(keys)].shape
        except IndexError:
            continue
        if 0 not in after and after:
            return list(zip(*bounds)), [after], {f"{name}Mask": mask for name, mask in masks.items()}


def _bounds(rng, length):
    """A key as Python's, begin, end and stride, and the names of the masks that it needs."""
    step = int(rng.choice([1, 1, 1, 2, 3, -1, -2]))
    begin, end = (int(bound) for bound in rng.integers(-length - 2, length + 3, 2))
    if rng.integers(6) == 0:
        begin = int(rng.integers(-length, length))
        return begin, (begin, end, 1), ("ShrinkAxis",)
    left_out = [name for name in ("Begin", "End") if rng.integers(3) == 0]
    key = slice(None if "Begin" in left_out else begin, None if "End" in left_out else end, step)
    return key, (begin, end, step), left_out


def _slice(drawn, shape):
    begin = [int(drawn.rng.integers((length + 3) // 4)) for length in shape]
    left = [length - first for first, length in zip(begin, shape)]
    sizes = [int(drawn.rng.integers((length + 1) // 2, length + 1)) for length in left]
    said = [-1 if first + size == length and drawn.rng.integers(2) else size
            for first, size, length in zip(begin, sizes, shape)]
    return [begin, said], [sizes], {}


def _split(drawn, shape):
    axis, said = _axis(drawn, shape)
    count = int(drawn.rng.choice([parts for parts in range(1, shape[axis] + 1) if shape[axis] % parts == 0]))
    return [[said]], [_with(shape, axis, shape[axis] // count)] * count, {"NumSplits": count}


def _split_sizes(drawn, shape):
    axis, said = _axis(drawn, shape)
    cuts = np.sort(drawn.rng.integers(1, shape[axis] + 1, int(drawn.rng.integers(0, 3))))
    cuts = np.unique([0, *cuts, shape[axis]])
    sizes = np.diff(cuts).tolist()
    after = [_with(shape, axis, size) for size in sizes]
    if drawn.rng.integers(2):
        sizes[int(drawn.rng.integers(len(sizes)))] = -1
    return [sizes, [said]], after, {"NumSplits": len(sizes)}


def _unpack(drawn, shape):
    axis, said = _axis(drawn, shape)
    return [], [shape[:axis] + shape[axis + 1:]] * shape[axis], {"Num": shape[axis], "Axis": said}


def _gather(drawn, shape):
    axis, said = _axis(drawn, shape)
    indices = drawn.rng.integers(0, shape[axis], drawn.lengths(int(drawn.rng.integers(0, 2 + (len(shape) < 4))), 1, 6))
    return [indices], [(*shape[:axis], *indices.shape, *shape[axis + 1:])], {"Axis": said}


def _gather_nd(drawn, shape):
    depth = int(drawn.rng.integers(1, len(shape) + 1))
    leading = drawn.lengths(int(drawn.rng.integers(1, 3)), 1, 6)
    indices = np.stack([drawn.rng.integers(0, length, leading) for length in shape[:depth]], axis=-1)
    return [indices], [(*leading, *shape[depth:])], {}


def _tile(drawn, shape):
    counts = drawn.lengths(len(shape), 1, 3)
    return [counts], [[length * count for length, count in zip(shape, counts)]], {}


def _pad(drawn, shape):
    pairs = drawn.rng.integers(0, 4, (len(shape), 2))
    return [pairs], [[length + int(sum(pair)) for length, pair in zip(shape, pairs)]], {}


def _transpose(drawn, shape):
    order = drawn.rng.permutation(len(shape))
    return [order], [[shape[axis] for axis in order]], {}


def _reshape(drawn, shape):
    """Two neighbors become one, or one goes apart; a length may be left out."""
    at = int(drawn.rng.integers(len(shape)))
    whole = int(np.prod(shape[at:at + 2]))
    part = int(drawn.rng.choice([length for length in range(1, whole + 1) if whole % length == 0]))
    after = [*shape[:at], part, whole // part, *shape[at + 2:]]
    said = list(after)
    if drawn.rng.integers(2):
        said[int(drawn.rng.integers(len(said)))] = -1
    return [said], [after], {}


def _expand(drawn, shape):
    axis = int(drawn.rng.integers(len(shape) + 1))
    return [axis - (len(shape) + 1) * int(drawn.rng.integers(2))], [(*shape[:axis], 1, *shape[axis:])], {}


def _blocks(drawn):
    """Lengths of an image whose pixels are blocks, and the block."""
    block = drawn.lengths(2, 1, 3)
    return [length * size for length, size in zip(drawn.lengths(2, 1, 6), block)], block


def _image(kind, choose, options=None):
    """As `_move`, of images; ``choose`` gives their shape too."""
    def draw(drawn):
        shape, constants, after, fields = choose(drawn)
        quantization = drawn.quantization()
        inputs = [drawn.activation(shape, *quantization)] + [drawn.file.constant(v, "int32") for v in constants]
        drawn.file.operator(kind, inputs, drawn.made(after, *quantization), options, **fields)
    return draw


def _space_to_batch(drawn):
    (height, width), block = _blocks(drawn)
    amounts = [[int(before), 0] for before in drawn.rng.integers(0, 3, 2)]
    # What the padding makes whole again is not in the image.
    image = [max(1, length - before) for length, (before, _) in zip((height, width), amounts)]
    for pair, length, size in zip(amounts, image, block):
        pair[1] = -(length + pair[0]) % size
    padded = [length + sum(pair) for length, pair in zip(image, amounts)]
    batch, channels = drawn.lengths(2, 1, 4)
    after = (batch * block[0] * block[1], padded[0] // block[0], padded[1] // block[1], channels)
    return (batch, *image, channels), [block, amounts], after, {}


def _batch_to_space(drawn):
    image, block = _blocks(drawn)
    batch, channels = drawn.lengths(2, 1, 4)
    crops = [[int(amount) for amount in drawn.rng.integers(0, (length + 1) // 2, 2)] for length in image]
    shape = (batch * block[0] * block[1], image[0] // block[0], image[1] // block[1], channels)
    after = (batch, *(length - sum(pair) for length, pair in zip(image, crops)), channels)
    return shape, [block, crops], after, {}


def _space_to_depth(drawn):
    size, (height, width), (batch, channels) = int(drawn.rng.integers(1, 4)), drawn.lengths(2, 1, 8), drawn.lengths(2)
    return ((batch, height * size, width * size, channels), [], (batch, height, width, channels * size * size),
            {"BlockSize": size})


def _depth_to_space(drawn):
    after, constants, shape, fields = _space_to_depth(drawn)
    return shape, constants, after, fields


def _pad_value(drawn):
    shape = drawn.lengths(int(drawn.rng.integers(1, 5)), 1, 12)
    (pairs,), (after,), _ = _pad(drawn, shape)
    scale, point = drawn.quantization()
    value = drawn.file.constant([drawn.values((), drawn.dtype)], drawn.dtype, scale, zero_point=point)
    inputs = [drawn.activation(shape, scale, point), drawn.file.constant(pairs, "int32"), value]
    drawn.file.operator("PADV2", inputs, drawn.made(after, scale, point))


def _squeeze(drawn):
    """Of all dimensions of length 1, or some of them."""
    shape = tuple(int(length) for length in drawn.rng.choice([1, 1, 2, 7, 20], int(drawn.rng.integers(1, 5))))
    quantization, ones = drawn.quantization(), [axis for axis, length in enumerate(shape) if length == 1]
    chosen = [axis for axis in ones if drawn.rng.integers(2)]
    after = [length for axis, length in enumerate(shape) if axis not in (chosen or ones)]
    said = [axis - len(shape) * int(drawn.rng.integers(2)) for axis in chosen]
    drawn.file.operator("SQUEEZE", [drawn.activation(shape, *quantization)], drawn.made(after, *quantization),
                        "SqueezeOptions", **({"SqueezeDims": said} if said else {}))


def _pack(drawn):
    shape, count = drawn.lengths(int(drawn.rng.integers(1, 4)), 1, 12), int(drawn.rng.integers(1, 5))
    axis, quantization = int(drawn.rng.integers(len(shape) + 1)), drawn.quantization()
    inputs = [drawn.activation(shape, *quantization) for _ in range(count)]
    drawn.file.operator("PACK", inputs, drawn.made((*shape[:axis], count, *shape[axis:]), *quantization), "PackOptions",
                        ValuesCount=count, Axis=axis - (len(shape) + 1) * int(drawn.rng.integers(2)))


def _concatenation(drawn):
    shapes = [(*drawn.lengths(1, 1, 9), 12) for _ in range(int(drawn.rng.integers(2, 4)))]
    quantization = drawn.quantization()
    # Of uint8 each operand is brought to the scale of the output.
    inputs = [drawn.activation(shape, *((None, None) if drawn.dtype == "uint8" else quantization)) for shape in shapes]
    drawn.file.operator("CONCATENATION", inputs, drawn.made((sum(shape[0] for shape in shapes), 12), *quantization),
                        "ConcatenationOptions", Axis=0)


def _cast(drawn):
    shape, wider = drawn.lengths(2, 1, 90), {"int8": ["int16", "int32"], "uint8": ["int16", "int32"],
                                             "int16": ["int32"], "int32": []}
    to = str(drawn.rng.choice([*wider[drawn.dtype], "float32"]))
    drawn.file.operator("CAST", [drawn.activation(shape)], drawn.made(shape, dtype=to))


EIGHT, ALL = ("int8", "uint8"), ("int8", "uint8", "int16")
MOVES = {
    "BATCH_TO_SPACE_ND": (_image("BATCH_TO_SPACE_ND", _batch_to_space), ALL),
    "CAST": (_cast, (*ALL, "int32")),
    "CONCATENATION": (_concatenation, KINDS),
    "DEPTH_TO_SPACE": (_image("DEPTH_TO_SPACE", _depth_to_space, "DepthToSpaceOptions"), EIGHT),
    "EXPAND_DIMS": (_move("EXPAND_DIMS", _expand), KINDS),
    "GATHER": (_move("GATHER", _gather, "GatherOptions"), KINDS),
    "GATHER_ND": (_move("GATHER_ND", _gather_nd), KINDS),
    "PACK": (_pack, KINDS),
    "PAD": (_move("PAD", _pad), KINDS),
    "PADV2": (_pad_value, ALL),
    "RESHAPE": (_move("RESHAPE", _reshape), KINDS),
    "SLICE": (_move("SLICE", _slice), KINDS),
    "SPACE_TO_BATCH_ND": (_image("SPACE_TO_BATCH_ND", _space_to_batch), ALL),
    "SPACE_TO_DEPTH": (_image("SPACE_TO_DEPTH", _space_to_depth, "SpaceToDepthOptions"), EIGHT),
    "SPLIT": (_move("SPLIT", _split, "SplitOptions", position=1), KINDS),
    "SPLIT_V": (_move("SPLIT_V", _split_sizes, "SplitVOptions"), KINDS),
    "SQUEEZE": (_squeeze, KINDS),
    "STRIDED_SLICE": (_move("STRIDED_SLICE", _strided_slice, "StridedSliceOptions"), KINDS),
    "TILE": (_move("TILE", _tile), KINDS),
    "TRANSPOSE": (_move("TRANSPOSE", _transpose), KINDS),
    "UNPACK": (_move("UNPACK", _unpack, "UnpackOptions"), KINDS),
}
