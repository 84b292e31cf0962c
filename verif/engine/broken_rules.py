"""All rules that the descriptors of an image break, and which of them gateware has."""

import re
from contextlib import suppress

import numpy as np

from ...golden.engine.checks import WINDOW, Checks
from ...golden.engine.descriptor import Operation
from ...golden.engine.image import EngineError, Fault

# Those that docs/engine.md lists as not checked by gateware, or not for certain.
LACKED = re.compile("|".join((
    "an? (source|target|residual)_(pitch|pixel) of",
    "at most \\d+ (bytes of windows|cycles|vectors|reads)", "sums of at most \\d+ results",
    "windows of at most \\d+ pixels", "\\d+ rows in load", "rows of load", "a load ",
    "parameters among", "multipliers of", "shifts from", "spare bytes of zero in its parameters", "taps among",
    "its \\d+ loads among", "one tile for", "results of a vector in", "partial sums of")))
# After these nothing else of a descriptor is looked at, which might take hours.
LAST = re.compile("at most|its \\d+ loads among")
# Of a tensor, which gateware compares byte by byte.
ENDS = re.compile("a (source|target|residual) that ends at")
# Addresses wrap behind as many bytes.
MOST_ADDRESSES = 1 << 24


class Broken(Checks):
    """Checks that go on after a rule that is broken, up to the first descriptor that gateware is sure to refuse.

    Attributes
    ----------
    found : list of (Fault, int, bool)
        Of each rule that is broken, and that gateware may notice, its fault, the number of the descriptor, and whether
        gateware is sure to notice.
    """

    def run(self):
        """Find them."""
        self.found, first = [], 0
        for number, descriptor in enumerate(self._image.program):
            self._number, self._descriptor = number, descriptor
            self._before = self._image.program[number - 1] if number else type(descriptor)()
            count = len(self.found)
            try:
                self._check(first)
            except EngineError:
                pass
            # What a number of zero, or a load that is missing, makes of other rules.
            except (ZeroDivisionError, ValueError, IndexError):
                assert len(self.found) > count
            # Rules of what is fed are looked at before both start.
            has_fed = descriptor.operation == Operation.DEPTHWISE and descriptor.feeds
            if (self.is_sure and not has_fed) or descriptor.operation == Operation.END:
                return
            # One with a length of zero has none.
            with suppress(ZeroDivisionError):
                first += descriptor.tiles if descriptor.operation == Operation.CONV else 0
        self.found.append((Fault.IMAGE, self._config.program_length, True))

    @property
    def is_sure(self):
        """A rule is broken that gateware is sure to notice."""
        return any(is_sure for *_, is_sure in self.found)

    def _require(self, fault, condition, rule, value):
        if condition:
            return
        is_window = rule == "windows that see its source" and self._descriptor.operation == Operation.POOL
        is_sure, ends = not (LACKED.match(rule) or is_window) or self._lacks_slots(rule), ENDS.match(rule)
        if not ends or self._is_beyond(ends[1]):
            self.found.append((fault, self._number, is_sure and not (ends and self._wraps(ends[1]))))
        if LAST.match(rule):
            raise EngineError(rule, self._number, fault)

    def _lacks_slots(self, rule):
        """Whether parameters are beyond those of the engine, not only beyond those of the image."""
        descriptor, slots = self._descriptor, self._config.parameter_slots
        own = descriptor.parameters + -(-descriptor.channels // self._config.lanes)
        has_own = descriptor.operation in (Operation.CONV, Operation.DEPTHWISE)
        return rule.startswith("parameters among") and has_own and own > slots

    def _is_beyond(self, name):
        """Whether gateware may notice that a tensor is beyond its limit."""
        descriptor = self._descriptor
        # Of pixels without gaps rows are compared with the memory.
        is_long = (name == "source" and descriptor.operation == Operation.CONV and
                   descriptor.source_pixel == descriptor.depth and
                   descriptor.source_width * descriptor.depth > self._config.activation_bytes)
        return is_long or end_of(descriptor, name) > getattr(descriptor, f"{name}_limit")

    def _wraps(self, name):
        """Whether addresses behind its limit may be taken for others."""
        descriptor = self._descriptor
        is_beyond = getattr(descriptor, name) > getattr(descriptor, f"{name}_limit")
        return not is_beyond and end_of(descriptor, name) > MOST_ADDRESSES


def end_of(descriptor, name):
    """The address after the last byte of a tensor that is read and used, or written; that of its first if none is."""
    first, pitch, pixel = (getattr(descriptor, part) for part in (name, f"{name}_pitch", f"{name}_pixel"))
    if descriptor.operation == Operation.END:
        return first + descriptor.depth
    if name != "source" or descriptor.operation == Operation.ADD:
        row, column, depth = descriptor.target_height - 1, descriptor.target_width - 1, descriptor.channels
    else:
        # The depthwise unit reads three rows, whatever the window.
        is_depthwise = descriptor.operation == Operation.DEPTHWISE
        (down, across), depth = descriptor.places, descriptor.depth
        row = _last_seen(descriptor.top, descriptor.step_y, down, WINDOW if is_depthwise else descriptor.tall,
                         descriptor.source_height)
        column = _last_seen(descriptor.left, descriptor.step_x, across, descriptor.wide, descriptor.source_width)
        if descriptor.operation == Operation.POOL:
            depth = descriptor.channels
        if min(row, column) < 0:
            return first
    return first + row * pitch + column * pixel + depth


def _last_seen(start, step, count, reach, length):
    """The last of so many rows or pixels that windows see, -1 if none is."""
    starts = start + step * np.arange(count)
    seen = np.minimum(starts + reach, length) - 1
    return int(seen[seen >= np.maximum(starts, 0)].max(initial=-1))
