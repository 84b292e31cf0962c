"""Images of a small engine, and changed ones."""

from functools import cache

import numpy as np
from bitline.golden.engine.descriptor import Operation
from bitline.golden.engine.image import read_image
from bitline.host.engine.compiler import compile_network
from bitline.host.network.operators import AveragePool2D, MaxPool2D
from engine_networks import SMALL, Builder

CONV, DEPTHWISE, POOL, ADD, END = (Operation.CONV, Operation.DEPTHWISE, Operation.POOL, Operation.ADD, Operation.END)


def various_network():
    """A network with every operation: a sum that is fused and one that is not, pools, a layer that feeds another."""
    build = Builder(np.random.default_rng(1), (1, 8, 8, 4))
    first = build.conv(16)
    build.add(first, build.conv(16))
    build.depthwise()
    build.conv(8, (1, 1))
    build.pool(MaxPool2D, (2, 2), (2, 2))
    before = build.last
    build.add(before, before)
    build.pool(AveragePool2D, (4, 4), (1, 1))
    build.flat()
    build.dense(5)
    return build.network()


@cache
def small():
    """It compiled for `SMALL`."""
    return compile_network(SMALL, various_network())


def changed(data, number, **fields):
    """An image of which a descriptor has other fields."""
    image = read_image(SMALL, data)
    image.program[number] = image.program[number]._replace(**fields)
    return image.to_bytes(SMALL)


def number_of(data, operation, flags=0):
    """Of the first descriptor with an operation and flags."""
    return next(number for number, descriptor in enumerate(read_image(SMALL, data).program)
                if descriptor.operation == operation and descriptor.flags & flags == flags)
