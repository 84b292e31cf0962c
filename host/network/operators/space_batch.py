"""Between space and batch, and between space and depth.

Converters write a dilated convolution as one without dilation between the first two.
"""

from dataclasses import dataclass

import numpy as np

from ....golden.kernels import layers
from ..network import EIGHT
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
        # tflite-micro pads with 0, whatever the zero point.
        return cls(**node.common, **blocks, value=0 if node.runtime == "tflm" else node.fill)

    def check(self, rules):
        check_blocks(rules, self.block, self.amounts)
        x, (tall, wide) = rules.inputs[0], self.block
        height, width = (length + sum(pair) for length, pair in zip(x.shape[1:3], self.amounts))
        rules.require(height % tall == 0 and width % wide == 0, f"whole blocks of {self.block}", [height, width])
        rules.has_shape((x.shape[0] * tall * wide, height // tall, width // wide, x.shape[3]))

    def compute(self, context, x):
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

    def compute(self, context, x):
        return np.stack([layers.batch_to_space(run, self.block, self.amounts) for run in x])


@dataclass(frozen=True, kw_only=True)
class DepthToSpace(Operator):
    """Channels as pixels: each pixel becomes ``block`` by ``block``, of the first channels the first."""

    block: int

    tflite = (TfliteForm("DEPTH_TO_SPACE", 1, 1, "DepthToSpaceOptions"),)

    @classmethod
    def from_tflite(cls, node):
        return cls(**node.common, block=int(node.options.BlockSize()))

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output, dtypes=EIGHT)
        rules.same_scale(x, rules.output)
        rules.is_image(x)
        rules.require(self.block >= 1 and x.shape[3] % self.block ** 2 == 0,
                      f"channels in {self.block} by {self.block}", x.shape[3])
        image = [length * self.block for length in x.shape[1:3]]
        rules.has_shape((x.shape[0], *image, x.shape[3] // self.block ** 2))

    def compute(self, context, x):
        *lead, height, width, _ = x.shape
        y = x.reshape(*lead, height, width, self.block, self.block, -1)
        return np.moveaxis(y, -3, -4).reshape(len(x), *context.output.shape)


@dataclass(frozen=True, kw_only=True)
class SpaceToDepth(DepthToSpace):
    """The reverse."""

    tflite = (TfliteForm("SPACE_TO_DEPTH", 1, 1, "SpaceToDepthOptions"),)

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output, dtypes=EIGHT)
        rules.same_scale(x, rules.output)
        rules.is_image(x)
        rules.require(self.block >= 1 and x.shape[1] % self.block == x.shape[2] % self.block == 0,
                      f"pixels in {self.block} by {self.block}", list(x.shape[1:3]))
        image = [length // self.block for length in x.shape[1:3]]
        rules.has_shape((x.shape[0], *image, x.shape[3] * self.block ** 2))

    def compute(self, context, x):
        *lead, height, width, channels = x.shape
        y = x.reshape(*lead, height // self.block, self.block, width // self.block, self.block, channels)
        return np.moveaxis(y, -3, -4).reshape(len(x), *context.output.shape)
