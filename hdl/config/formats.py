"""`FormatConfig`: the description of a block macro, which multiplies blocks of microscaling formats or NVFP4."""

from functools import cached_property

from ...golden.formats.blocks import SCALE_BIAS, SCALE_NAN
from ...golden.formats.packets import SCALE_BITS
from ...golden.formats.products import ROUNDED
from ...golden.formats.window import Window
from .base import Parameters, configuration, parameter
from .core import STREAM_BITS
from .format_choice import FORMAT_NAMES, SEPARATOR, FormatChoice
from .macro import MAX_COLUMNS, MacroConfig
from .widths import ceil_log2, signed_width

RESULTS = tuple(ROUNDED)
# Bits of an input or weight that a macro takes at once.
MAX_BITS = 16
# Bits of a beat of weights.
WEIGHT_BEAT_BITS = 64
# Bits of the mantissa of a scale of E4M3.
SCALE_MANTISSA_BITS = 4
# Cycles after which a lane may add to the same sum again.
LOOP_CYCLES = 4


def macro_parameters(inputs, weights, columns):
    """Parameters of the macro that formats need, by name; its ``columns`` are slices of weights.

    Parameters
    ----------
    inputs, weights : FormatChoice
    columns : int
        Results of a vector.

    Raises
    ------
    ValueError
        More columns than a macro has for such weights.
    """
    x, w = inputs.integer_bits, weights.integer_bits
    fuse = -(-w // MAX_BITS)
    if not 1 <= columns <= MAX_COLUMNS // fuse:
        raise ValueError(f"columns must be an integer from 1 to {MAX_COLUMNS // fuse}, not {columns}")
    return {"rows": inputs.formats[0].size, "columns": fuse * columns, "weight_bits": -(-w // fuse), "fuse": fuse,
            "input_bits": -(-x // -(-x // MAX_BITS))}


@configuration
class FormatConfig(Parameters):
    """A macro between decoders of block formats, and what joins and rounds its sums.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    TypeError, ValueError
        One line that names the parameter, the rule and the value.
    """

    macro: MacroConfig = parameter("With as many rows as a block has elements, the bits of their integers, and "
                                   "`max_accumulations` 1; a dictionary in JSON.")
    inputs: str = parameter("Format of vectors, or several with + between, of which each vector then has one.",
                            choices=FORMAT_NAMES, is_list=True)
    weights: str = parameter("Format of weights, with blocks and scales like those of vectors, or several with + "
                             "between, of which each bank then has one.", choices=FORMAT_NAMES, is_list=True)
    max_blocks: int = parameter("Maximum number of blocks that are joined to one result.", default=256, maximum=65536)
    exponent_range: int = parameter("By how much the sum of the exponents of two scales may exceed the base of an "
                                    "accumulation, so that all of a block fits.", default=33, minimum=0, maximum=255)
    result: str = parameter("Type of results.", default=RESULTS[0], choices=RESULTS)
    input_beat_bits: int = parameter("Bits of a beat of vectors, which has as many codes as fit, a power of two, half "
                                     "a block at most; 0: as few as let vectors follow each other. In a core 64 unless "
                                     "others are given, and not 0.", default=0, choices=(0, *STREAM_BITS),
                                     is_named=False)

    def __post_init__(self):
        self.check_parts()
        self.w.check_kind("weights", self.x.formats[0])
        self.check_parameters()
        needed = {**macro_parameters(self.x, self.w, 1), "max_accumulations": 1}
        del needed["columns"]
        for name, value in needed.items():
            if getattr(self.macro, name) != value:
                formats = self.inputs if self.inputs == self.weights else f"{self.inputs} and {self.weights}"
                raise ValueError(f"{name} must be {value} for {formats}, not {getattr(self.macro, name)}")

    # Elements and scales.

    @cached_property
    def x(self):
        """`FormatChoice` of vectors."""
        return FormatChoice.read("inputs", self.inputs)

    @cached_property
    def w(self):
        """`FormatChoice` of weights."""
        return FormatChoice.read("weights", self.weights)

    @property
    def choices(self):
        """Both, by the names of the parameters."""
        return {"inputs": self.x, "weights": self.w}

    @property
    def scale(self):
        """Element of scales, with a mantissa; None if they are powers of two, of E8M0."""
        return self.x.formats[0].scale

    @property
    def has_mantissas(self):
        """Scales are of E4M3, with a mantissa; else powers of two, of E8M0."""
        return self.scale is not None

    @property
    def columns(self):
        """Results of a vector, and weights of a row."""
        return self.macro.columns // self.macro.fuse

    def parts_of(self, block_format):
        """Vectors of the macro that one of a format takes: its integers by pieces, the lowest first."""
        return -(-block_format.element.integer_bits // self.macro.input_bits)

    def last_part_of(self, block_format):
        """The number of the last of them."""
        return self.parts_of(block_format) - 1

    def planes_of(self, block_format):
        """Planes of such a part."""
        return -(-block_format.element.integer_bits // self.parts_of(block_format))

    @property
    def parts(self):
        """The most parts."""
        return max(map(self.parts_of, self.x.formats))

    @cached_property
    def _sum_extremes(self):
        """Least and greatest sum of a block, of any part and formats."""
        w = [int(extreme) for each in self.w.formats for extreme in (
            each.element.integers.min(), each.element.integers.max())]
        products = [x * each for block_format in self.x.formats for x in self._piece_extremes(block_format)
                    for each in w]
        return self.macro.rows * min(products), self.macro.rows * max(products)

    def _piece_extremes(self, block_format):
        """Least and greatest piece of an integer of a vector."""
        low, high = int(block_format.element.integers.min()), int(block_format.element.integers.max())
        if self.parts_of(block_format) == 1:
            return low, high
        return low >> self.macro.input_bits * self.last_part_of(block_format), (1 << self.macro.input_bits) - 1

    @property
    def sum_bits(self):
        """Bits of the sum of a block, or of a part of it."""
        return signed_width(*self._sum_extremes)

    @property
    def term_bits(self):
        """Bits of that times the mantissas of both scales."""
        factor = ((1 << SCALE_MANTISSA_BITS) - 1) ** 2 if self.has_mantissas else 1
        return signed_width(*(factor * extreme for extreme in self._sum_extremes))

    @property
    def max_exponent(self):
        """The greatest exponent of a sum, which is that of both scales, of both formats and of the part."""
        greatest = 14 if self.has_mantissas else SCALE_NAN - 1
        return 2 * greatest + max(map(self.w.raised, self.w.formats)) + max(
            self.x.raised(each) + self.last_part_of(each) * self.macro.input_bits for each in self.x.formats)

    @property
    def max_raised(self):
        """The most that the formats of a vector and of its weights add to an exponent."""
        return sum(max(map(choice.raised, choice.formats)) for choice in self.choices.values())

    @property
    def exponent_bits(self):
        """Bits of such an exponent."""
        return self.max_exponent.bit_length()

    @property
    def bias(self):
        """A sum counts ``2**(exponent - bias)``."""
        return self.x.point + self.w.point + 2 * (self.scale.point if self.has_mantissas else SCALE_BIAS)

    # Streams.

    @property
    def input_lanes(self):
        """Elements of a beat of vectors: by `input_beat_bits`, or so many that no format has more beats than planes."""
        if self.input_beat_bits:
            return 1 << min(self.macro.rows // 2, self.input_beat_bits // self.x.bits).bit_length() - 1
        planes = min(self.parts_of(each) * self.planes_of(each) for each in self.x.formats)
        return 1 << ceil_log2(-(-self.macro.rows // planes))

    @property
    def beats(self):
        """Beats of a vector."""
        return self.macro.rows // self.input_lanes

    @property
    def weight_lanes(self):
        """Elements of a beat of weights, a power of two that divides the columns."""
        lanes = self.columns & -self.columns
        while lanes * self.w.bits > WEIGHT_BEAT_BITS:
            lanes //= 2
        return lanes

    @property
    def row_beats(self):
        """Beats of a row of weights."""
        return self.columns // self.weight_lanes

    @property
    def weight_scales(self):
        """Scales of weights that a beat holds, in a core."""
        return WEIGHT_BEAT_BITS // SCALE_BITS

    @property
    def scale_beats(self):
        """Beats of all of them."""
        return -(-self.columns // self.weight_scales)

    # Joining.

    @property
    def max_shift(self):
        """A sum, of a part, fits the window if its exponent is at most so much above the base."""
        return min(self.exponent_range + (self.parts - 1) * self.macro.input_bits, self.max_exponent)

    @property
    def window_bits(self):
        """Bits of the sum in which blocks are joined."""
        return self.term_bits + self.max_shift + ceil_log2(self.max_blocks * self.parts)

    @property
    def window(self):
        """What fits, as the golden model takes it."""
        return Window(self.max_shift, self.max_blocks, self.macro.input_bits, self.x.point + self.w.point)

    @property
    def lanes(self):
        """Columns that are joined in a cycle: a vector of any format takes no longer than its planes."""
        return -(-self.columns // min(map(self.planes_of, self.x.formats)))

    @property
    def groups(self):
        """Cycles in which the columns of a vector pass the lanes."""
        return -(-self.columns // self.lanes)

    @property
    def pass_cycles(self):
        """Cycles from a vector, or a part of it, to the next."""
        return max(self.groups, LOOP_CYCLES)

    @property
    def kept_groups(self):
        """Groups that are left when a vector's totals are accepted: so many cycles the macro keeps them after that."""
        return min(self.groups, self.macro.result_interval) - 1

    @property
    def result_bits(self):
        """Bits of a result."""
        return 9 + self.mantissa_bits

    @property
    def mantissa_bits(self):
        """Bits of a result's mantissa, without the one that is implied."""
        return ROUNDED[self.result][0]

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        return f"bitline_{self.title}_{self.hash}"

    @property
    def title(self):
        """Formats and size, as names have them."""
        formats = self.inputs if self.inputs == self.weights else f"{self.inputs}_{self.weights}"
        return f"{formats.lower().replace(SEPARATOR, '_')}_{self.macro.rows}x{self.columns}"


def block_macro(inputs, weights=None, *, columns, macro=None, **more):
    """The `FormatConfig` of formats of vectors and of weights, by default the same, with the macro that they need.

    Parameters
    ----------
    inputs, weights : str
        Names of formats, with `SEPARATOR` between.
    columns : int
        Results of a vector.
    macro : dict
        Further parameters of the macro.
    **more
        Further parameters.
    """
    weights = weights or inputs
    x, w = FormatChoice.read("inputs", inputs), FormatChoice.read("weights", weights)
    macro = MacroConfig.from_dict({**macro_parameters(x, w, columns), **(macro or {})})
    return FormatConfig(macro=macro, inputs=inputs, weights=weights, **more)
