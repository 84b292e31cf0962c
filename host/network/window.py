"""A window that moves over images (batch, height, width, channels), as convolutions and pooling have one."""

import math

from .network import MAX_ELEMENTS, NetworkError

# Elements of all windows of a layer, each a copy of what it sees.
MAX_SEEN = 1 << 28
# In .tflite files.
PADDINGS = {0: "same", 1: "valid"}
# In .onnx files.
AUTO_PADS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


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
    rules.require(seen <= MAX_SEEN and math.prod(padded) * x.shape[0] * x.shape[3] <= 2 * MAX_ELEMENTS,
                  f"at most {MAX_SEEN} elements in all windows, and {2 * MAX_ELEMENTS} with the padding", seen)
    return after


def tflite_window(node, size, dilation=(1, 1)):
    """Stride and explicit padding of a window of ``size`` pixels over the first operand, as fields of operators."""
    options, image = node.options, node.shape(0)
    stride = options.StrideH(), options.StrideW()
    if len(image) != 4 or min(*stride, *dilation, *size) < 1:
        raise NetworkError(f"{node.location} must have an input of four dimensions, and strides, dilations and window "
                           f"of at least 1, not {list(image)}, {stride}, {dilation}, {tuple(size)}")
    totals = (0, 0)
    if node.choice(PADDINGS, options.Padding(), "padding") == "same":
        totals = same_padding(image[1:3], size, stride, dilation)
    return {"stride": stride, "padding": tuple((total // 2, total - total // 2) for total in totals)}


def onnx_window(node, image, size):
    """Of a node and its images (batch, height, width, channels): the window, what it leaves, and the stated padding.

    Returns
    -------
    dict of stride, dilation and padding, as fields of operators
    list of int
        Height and width that the window leaves.
    ((int, int), (int, int))
        The padding, without what the last windows see beyond it.
    """
    attributes = node.attributes if not node.kind.startswith("Global") else {}
    stride, dilation = (tuple(map(int, attributes.get(name, (1, 1)))) for name in ("strides", "dilations"))
    pads, auto = tuple(map(int, attributes.get("pads", (0,) * 4))), node.text("auto_pad", "NOTSET")
    node.require(len(stride) == len(dilation) == len(size) == 2 and len(pads) == 4 and
                 min(*stride, *dilation, *size) >= 1 and 0 <= min(pads) <= max(pads) <= MAX_ELEMENTS,
                 "two strides, dilations and sizes from 1 on and four pads from 0 on",
                 f"{stride}, {dilation}, {tuple(size)}, {pads}")
    padding = ((pads[0], pads[2]), (pads[1], pads[3]))
    node.require(auto in AUTO_PADS, f"an auto_pad of {', '.join(AUTO_PADS)}", auto)
    node.require(auto == "NOTSET" or not any(pads), f"no pads with auto_pad {auto}", pads)
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        # Where the last windows end before the image does, runtimes do not agree.
        node.require(all((ceil_div(length, step) - 1) * step + span >= length for length, step, span in
                         zip(image[1:3], stride, spatial(size, dilation))),
                     f"windows up to the end of the image with auto_pad {auto}", f"{tuple(size)} every {stride}")
        totals = same_padding(image[1:3], size, stride, dilation)
        padding = tuple((total // 2, total - total // 2) if auto == "SAME_UPPER" else
                        (total - total // 2, total // 2) for total in totals)
    reach, explicit = spatial(size, dilation), padding
    after = [(length + sum(ends) - span) // step + 1
             for length, ends, span, step in zip(image[1:3], padding, reach, stride)]
    if attributes.get("ceil_mode"):
        after, padding = _last_windows(image[1:3], padding, reach, stride)
    node.require(min(after) > 0, "a window within the image", f"{reach} of {list(image[1:3])} with {padding}")
    return {"stride": stride, "dilation": dilation, "padding": padding}, after, explicit


def _last_windows(image, padding, reach, stride):
    """What windows leave if the last ones may reach beyond the padding, but begin before its end part; the padding."""
    after, padded = [], []
    for length, (low, high), span, step in zip(image, padding, reach, stride):
        count = ceil_div(length + low + high - span, step) + 1
        count -= (count - 1) * step >= length + low
        after.append(count)
        padded.append((low, max(high, (count - 1) * step + span - length - low)))
    return after, tuple(padded)
