"""Between space and batch. Converters write a dilated convolution as one without dilation between these two."""

from dataclasses import dataclass

import numpy as np

from ....golden import layers
from ..operator import Operator
from ..tflite_node import TfliteForm


def read_blocks(node):
    """Block and amounts of a `TfliteNode`, as fields."""
    amounts = node.pairs(2)
    return {"block": tuple(map(int, node.parameter(1, 1))), "amounts": amounts}


def check_blocks(rules, block, amounts):
    """What both need."""
    x = rules.inputs[0]
    rules.quantized(x, rules.output)
    rules.same_scale(x, rules.output)
    rules.require(len(x.shape) == 4 and x.size > 0 and len(block) == 2 and min(block) >= 1 and
                  len(amounts) == 2 and all(len(pair) == 2 and min(pair) >= 0 for pair in amounts),
                  "an image, two lengths of blocks and two pairs of amounts", f"{list(x.shape)}, {block}, {amounts}")


@dataclass(frozen=True, kw_only=True)
class SpaceToBatch(Operator):
    """Every ``block``-th pixel (vertical, horizontal) as an image of its own, after padding ``amounts`` with ``value``.
    """

    block: tuple
    amounts: tuple
    value: int

    tflite = (TfliteForm("SPACE_TO_BATCH_ND", 3, 3),)

    @classmethod
    def from_tflite(cls, node):
        blocks = read_blocks(node)
        return cls(**node.common, **blocks, value=node.fill)

    def check(self, rules):
        check_blocks(rules, self.block, self.amounts)
        x, (tall, wide) = rules.inputs[0], self.block
        height, width = (length + sum(pair) for length, pair in zip(x.shape[1:3], self.amounts))
        rules.require(height % tall == 0 and width % wide == 0, f"whole blocks of {self.block}", [height, width])
        rules.has_shape((x.shape[0] * tall * wide, height // tall, width // wide, x.shape[3]))

    def compute(self, step, x):
        return np.stack([layers.space_to_batch(run, self.block, self.amounts, self.value) for run in x])


@dataclass(frozen=True, kw_only=True)
class BatchToSpace(Operator):
    """The reverse; ``amounts`` are cropped afterwards."""

    block: tuple
    amounts: tuple

    tflite = (TfliteForm("BATCH_TO_SPACE_ND", 3, 3),)

    @classmethod
    def from_tflite(cls, node):
        blocks = read_blocks(node)
        return cls(**node.common, **blocks)

    def check(self, rules):
        check_blocks(rules, self.block, self.amounts)
        x, count = rules.inputs[0], self.block[0] * self.block[1]
        rules.require(x.shape[0] % count == 0, f"images in blocks of {count}", x.shape[0])
        image = [length * size - sum(pair) for length, size, pair in zip(x.shape[1:3], self.block, self.amounts)]
        rules.require(min(image) > 0, "crops within the image", self.amounts)
        rules.has_shape((x.shape[0] // count, *image, x.shape[3]))

    def compute(self, step, x):
        return np.stack([layers.batch_to_space(run, self.block, self.amounts) for run in x])
