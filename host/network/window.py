"""A window that moves over images (batch, height, width, channels), as convolutions and pooling have one."""

import math

from .network import MOST_ELEMENTS, NetworkError

# Elements of all windows of a layer, each a copy of what it sees.
MOST_SEEN = 1 << 28
# In .tflite files.
PADDINGS = {0: "same", 1: "valid"}


def ceil_div(a, b):
    """Quotient of integers, rounded up."""
    return -(-a // b)


def spatial(size, dilation):
    """Pixels that a dilated window reaches over, (vertical, horizontal)."""
    return tuple((length - 1) * step + 1 for length, step in zip(size, dilation))


def same_padding(image, size, stride, dilation):
    """Pixels of padding along each axis of (height, width) that leave a place for every stride."""
    return [max((ceil_div(length, step) - 1) * step + reach - length, 0)
            for length, step, reach in zip(image, stride, spatial(size, dilation))]


def check_window(rules, size, stride, dilation, padding):
    """Height and width that a window leaves of the first input."""
    x = rules.inputs[0]
    rules.is_image(x)
    reach = spatial(size, dilation)
    padded = [length + sum(pads) for length, pads in zip(x.shape[1:3], padding)]
    rules.require(min(*size, *stride, *dilation) >= 1 and min(map(min, padding)) >= 0 and
                  all(a >= b for a, b in zip(padded, reach)),
                  "a window within the image", f"{reach} of {tuple(padded)}")
    after = [(length - span) // step + 1 for length, span, step in zip(padded, reach, stride)]
    seen = x.shape[0] * x.shape[3] * math.prod(after) * math.prod(size)
    rules.require(seen <= MOST_SEEN and math.prod(padded) * x.shape[0] * x.shape[3] <= 2 * MOST_ELEMENTS,
                  f"at most {MOST_SEEN} elements in all windows, and {2 * MOST_ELEMENTS} with the padding", seen)
    return after


def tflite_window(node, size, dilation=(1, 1)):
    """Stride and explicit padding of a window of ``size`` pixels over the first operand, as fields of operators."""
    options, image = node.options, node.shape(0)
    stride = options.StrideH(), options.StrideW()
    if len(image) != 4 or min(*stride, *dilation, *size) < 1:
        raise NetworkError(f"{node.place} must have an input of four dimensions, and strides, dilations and window "
                           f"of at least 1, not {list(image)}, {stride}, {dilation}, {tuple(size)}")
    totals = (0, 0)
    if node.choice(PADDINGS, options.Padding(), "padding") == "same":
        totals = same_padding(image[1:3], size, stride, dilation)
    return {"stride": stride, "padding": tuple((total // 2, total - total // 2) for total in totals)}


def onnx_window(node, attributes, image, size):
    """Stride, dilation and explicit padding, as fields of operators, and height and width that the window leaves."""
    stride, dilation = (tuple(map(int, attributes.get(name, (1, 1)))) for name in ("strides", "dilations"))
    pads, auto = tuple(map(int, attributes.get("pads", (0,) * 4))), attributes.get("auto_pad", b"NOTSET").decode()
    node.require(len(stride) == len(dilation) == len(size) == 2 and len(pads) == 4 and
                 min(*stride, *dilation, *size) >= 1, "two strides, dilations and sizes from 1 on and four pads",
                 f"{stride}, {dilation}, {tuple(size)}, {pads}")
    node.require(not attributes.get("ceil_mode"), "ceil_mode 0", attributes.get("ceil_mode"))
    padding = ((pads[0], pads[2]), (pads[1], pads[3]))
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = same_padding(image[1:3], size, stride, dilation)
        padding = tuple((total // 2, total - total // 2) if auto == "SAME_UPPER" else
                        (total - total // 2, total // 2) for total in totals)
    elif auto == "VALID":
        padding = ((0, 0), (0, 0))
    after = [(length + sum(pads) - span) // step + 1
             for length, pads, span, step in zip(image[1:3], padding, spatial(size, dilation), stride)]
    return {"stride": stride, "dilation": dilation, "padding": padding}, after
