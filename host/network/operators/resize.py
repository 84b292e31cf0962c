"""Images of another size."""

from dataclasses import dataclass

from ....golden.kernels import resize
from ..operator import Operator
from ..tflite_node import TfliteForm


@dataclass(frozen=True, kw_only=True)
class ResizeNearest(Operator):
    """Every pixel is that which is nearest; ``size`` is height and width."""

    size: tuple
    align_corners: bool
    half_pixel_centers: bool

    tflite = (TfliteForm("RESIZE_NEAREST_NEIGHBOR", 2, 2, "ResizeNearestNeighborOptions"),)

    @classmethod
    def from_tflite(cls, node):
        size, options = node.parameter(1, 1), node.options
        return cls(**node.common, size=tuple(map(int, size)), align_corners=bool(options.AlignCorners()),
                   half_pixel_centers=bool(options.HalfPixelCenters()))

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output)
        rules.is_image(x)
        rules.require(len(self.size) == 2 and min(self.size) >= 1 and max(*self.size, *x.shape[1:3]) < 1 << 15,
                      "a size of 1 to 32767 pixels, twice", self.size)
        rules.require(not (self.align_corners and self.half_pixel_centers), "aligned corners or half pixels, not both",
                      "both")
        rules.has_shape((x.shape[0], *self.size, x.shape[3]))

    @property
    def _options(self):
        return {"align_corners": self.align_corners, "half_pixel_centers": self.half_pixel_centers}

    def compute(self, context, x):
        y = resize.resize_nearest(x.reshape(-1, *x.shape[-3:]), self.size, **self._options)
        return y.reshape(len(x), *context.output.shape)


@dataclass(frozen=True, kw_only=True)
class ResizeBilinear(ResizeNearest):
    """Every pixel is a mix of four."""

    tflite = (TfliteForm("RESIZE_BILINEAR", 2, 2, "ResizeBilinearOptions"),)

    def compute(self, context, x):
        y = resize.resize_bilinear(x.reshape(-1, *x.shape[-3:]), self.size, **self._options,
                                   dtype=context.inputs[0].dtype)
        return y.reshape(len(x), *context.output.shape)
