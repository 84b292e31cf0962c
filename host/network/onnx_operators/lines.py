"""Windows over lines (batch, channels, length): as over images of height 1."""

from dataclasses import replace

from ..onnx_node import Constant, Product
from ..operators import Reshape
from .moves import moved

# Attributes of a window by what stands for the height.
HEIGHT = {"kernel_shape": 1, "strides": 1, "dilations": 1, "output_padding": 0}


def of_lines_too(read):
    """What reads nodes of images, so that it reads those of lines."""
    def read_any(node):
        if not node.operands or node.operands[0] is None or len(node.shape(0)) != 3:
            return read(node)
        made = read(node.like(operands=[_as_image(node, operand) for operand in node.operands],
                              attributes=_attributes(node)))
        shape = made.shape[:2] + made.shape[3:]
        return replace(made, shape=shape, is_line=True) if isinstance(made, Product) else moved(
            node, made, Reshape, shape, lambda array: array.reshape(shape))

    return read_any


def _as_image(node, operand):
    """Lines, and weights of three dimensions, with a dimension between."""
    if operand is None or len(operand.shape) != 3:
        return operand
    shape = (*operand.shape[:2], 1, operand.shape[2])
    if isinstance(operand, Constant):
        return operand.moved(lambda array: array.reshape(shape))
    return moved(node, operand, Reshape, shape)


def _attributes(node):
    attributes = dict(node.attributes)
    for name, height in HEIGHT.items():
        if name in attributes:
            node.require(len(attributes[name]) == 1, f"one number as {name}", attributes[name])
            attributes[name] = [height, *attributes[name]]
    if "pads" in attributes:
        node.require(len(attributes["pads"]) == 2, "two pads", attributes["pads"])
        first, last = attributes["pads"]
        attributes["pads"] = [0, first, 0, last]
    return attributes
