"""Drawn ``.onnx`` networks of operators that move elements, which are of four dimensions."""

import numpy as np


def _outputs(drawn, operator, names, outputs=1, **attributes):
    """A node, each of whose outputs is quantized at a drawn scale."""
    made = drawn.node(operator, names, outputs, **attributes)
    for name in made if outputs > 1 else [made]:
        drawn.output(name)


def _transpose(drawn, operator, rng):
    attributes = {"perm": [int(axis) for axis in rng.permutation(4)]} if rng.integers(4) else {}
    _outputs(drawn, operator, [drawn.operand()], **attributes)


def _blocks(drawn, operator, rng):
    x = drawn.operand()
    wide = drawn.node("Concat", [drawn.node("Concat", [x] * 4, axis=1)] * 2, axis=2)
    attributes = {"mode": str(rng.choice(["DCR", "CRD"]))} if operator == "DepthToSpace" else {}
    _outputs(drawn, operator, [drawn.node("Concat", [wide] * 2, axis=3)], blocksize=2, **attributes)


def _slice(drawn, operator, rng):
    """Forward and backward, from either end and beyond."""
    axes, keys = [int(axis) for axis in rng.permutation(4)[:int(rng.integers(1, 5))]], []
    for axis in axes:
        length, step = drawn.shape[axis], int(rng.choice([1, 1, 2, 3, -1, -2]))
        first = int(rng.integers(length))
        last = int(rng.integers(first + 1, length + 1) if step > 0 else rng.integers(-1, first))
        begin = first - length * int(rng.integers(2))
        beyond = 2 ** 31 if step > 0 else -2 ** 31
        # What is before the first element has no number from the start.
        end = last - length if last >= 0 and rng.integers(2) and last < length else last if last >= 0 else -length - 1
        keys.append((begin, beyond if rng.integers(4) == 0 else end, axis - 4 * int(rng.integers(2)), step))
    _outputs(drawn, operator, [drawn.operand(), *(drawn.constant(np.array(values)) for values in zip(*keys))])


def _split(drawn, operator, rng):
    axis = int(rng.integers(1, 4))
    cuts = np.unique([0, *rng.integers(1, drawn.shape[axis], int(rng.integers(1, 3))), drawn.shape[axis]])
    parts = np.diff(cuts)
    said = axis - 4 * int(rng.integers(2))
    _outputs(drawn, operator, [drawn.operand(), drawn.constant(parts)], len(parts), axis=said)


def _concat(drawn, operator, rng):
    x = drawn.operand()
    _outputs(drawn, operator, [x, drawn.operand(), x], axis=int(rng.integers(-3, 4)))


def _pad(drawn, operator, rng):
    amounts = rng.integers(-1, 4, 8)
    amounts[[0, 1, 4, 5]] = 0
    modes = ["constant", "reflect", "edge", *(["wrap"] if drawn.opset >= 19 and amounts.min() >= 0 else [])]
    mode, names = str(rng.choice(modes)), [drawn.operand(), drawn.constant(amounts)]
    if mode == "constant" and rng.integers(2):
        names.append(drawn.constant(np.float32(rng.choice([0.0, 1.5, -0.3]))))
    _outputs(drawn, operator, names, mode=mode)


def _gather(drawn, operator, rng):
    axis = int(rng.integers(4))
    shape = tuple(int(length) for length in rng.integers(1, 6, int(rng.integers(0, 3))))
    indices = rng.integers(-drawn.shape[axis], drawn.shape[axis], shape)
    _outputs(drawn, operator, [drawn.operand(), drawn.constant(indices)], axis=axis - 4 * int(rng.integers(2)))


def _reshape(drawn, operator, rng):
    """To three dimensions; 0 is a length that stays, -1 what is left."""
    _, channels, height, width = drawn.shape
    wanted = ([0, -1, width], [-1, height, width], [1, channels, -1])[int(rng.integers(3))]
    _outputs(drawn, operator, [drawn.operand(), drawn.constant(np.array(wanted))])


def _shape(drawn, operator, rng):
    """Lengths of dimensions, some of them, as those of a Reshape."""
    attributes = {"start": 1, "end": -1} if drawn.opset >= 15 and rng.integers(2) else {}
    lengths = drawn.node("Shape", ["x"], **attributes)
    if attributes:
        lengths = drawn.node("Concat", [lengths, drawn.constant(np.array([-1]))], axis=0)
    drawn.output(drawn.node("Reshape", [drawn.operand(), lengths]))


def _flatten(drawn, operator, rng):
    _outputs(drawn, operator, [drawn.operand()], axis=int(rng.integers(-4, 5)))


def _identity(drawn, operator, rng):
    _outputs(drawn, operator, [drawn.operand()])


def _unsqueeze(drawn, operator, rng):
    _outputs(drawn, operator, [drawn.operand(), drawn.constant(np.array([int(rng.integers(-5, 5))]))])


def _squeeze(drawn, operator, rng):
    axes = [drawn.constant(np.array([int(rng.choice([0, -4]))]))] if rng.integers(2) else []
    _outputs(drawn, operator, [drawn.operand(), *axes])


MOVES = {"Concat": _concat, "DepthToSpace": _blocks, "Flatten": _flatten, "Gather": _gather, "Identity": _identity,
         "Pad": _pad, "Reshape": _reshape, "Shape": _shape, "Slice": _slice, "SpaceToDepth": _blocks, "Split": _split,
         "Squeeze": _squeeze, "Transpose": _transpose, "Unsqueeze": _unsqueeze}
