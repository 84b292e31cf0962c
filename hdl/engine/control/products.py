"""Products: multiplies fields of a descriptor while it is fetched."""

from functools import reduce
from operator import or_

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.latencies import FETCH_CYCLES
from ...fabric.multiplier import CYCLES, multiply
from .descriptor import descriptor_layout, products_layout


class Products(wiring.Component):
    """One multiplier for all products of `products_layout`, each when its factors have arrived.

    Latency: all products are there when the last word of the descriptor is.

    Members
    -------
    word : ``In(FETCH_CYCLES)``
        A bit for each word: the one that arrives.
    fields : ``In(descriptor_layout)``
        Those before it.
    products : ``Out(products_layout)``
        They stay until the next descriptor.
    """

    def __init__(self):
        super().__init__({"word": In(FETCH_CYCLES), "fields": In(descriptor_layout()),
                          "products": Out(products_layout())})

    def elaborate(self, platform):
        m = Module()
        fields, products = self.fields, Signal(products_layout(), name="found", reset_less=True)
        a, b, product = Signal(18), Signal(18), Signal(36)
        # Where a factor is signed it has no more than 16 bits, so that its sign fits.
        m.d.sync += products.is_dense.eq(fields.source_pixel == fields.depth)
        m.d.comb += product.eq(multiply(m, platform, "product", a.as_signed(), b.as_signed()))
        schedule = (
            # By the word that arrives in the cycle in which the factors are there.
            (9, fields.depth, fields.wide, "pixel_bytes"),
            (10, fields.source_width, fields.depth, "row_bytes"),
            (11, fields.top, fields.source_pitch, "first"),
            (12, product, fields.tall, "rows"),
            (13, fields.left, fields.source_pixel, "left"),
            (14, fields.step_x, fields.source_pixel, "step_x_bytes"),
            (15, fields.step_y, fields.source_pitch, "step_y_bytes"),
            (16, fields.block_width, fields.target_pixel, "block_x_bytes"),
            (17, fields.block_height, fields.target_pitch, "block_y_bytes"),
            (18, fields.target_width, fields.step_x, "span"),
            (20, fields.block_width, fields.residual_pixel, "other_x_bytes"),
            (21, fields.block_height, fields.residual_pitch, "other_y_bytes"),
        )
        m.d.comb += [factor.eq(reduce(or_, (Mux(self.word[entry[0]], entry[place], 0) for entry in schedule)))
                     for factor, place in ((a, 1), (b, 2))]
        # The last product comes in the cycle after the last word.
        is_after, last = Signal(), Signal(24)
        m.d.sync += is_after.eq(self.word[-1])
        m.d.comb += [Value.cast(self.products).eq(Value.cast(products)),
                     self.products.other_y_bytes.eq(Mux(is_after, product, last))]
        with m.If(is_after):
            m.d.sync += last.eq(product)
        for word, _, _, name in schedule[:-1]:
            with m.If(self.word[word + CYCLES]):
                if name == "first":
                    m.d.sync += products.first.eq(fields.source + product)
                elif name == "left":
                    m.d.sync += [products.left.eq(product.as_signed()),
                                 products.first.eq(products.first + product)]
                else:
                    m.d.sync += products[name].eq(product)
        return m
