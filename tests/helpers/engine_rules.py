"""All rules that the descriptors of an image break, and which of them gateware has."""

import re

from bitline.golden.engine.checks import Checks
from bitline.golden.engine.descriptor import Operation
from bitline.golden.engine.image import EngineError

# Those that docs/engine.md lists as not checked by gateware, or not for certain: only where a byte is used.
LACKED = re.compile("|".join((
    "an? (source|target|residual)_(pitch|pixel) of", "a (source|target|residual) that ends at",
    "at most \\d+ (bytes of windows|cycles|vectors|reads)", "sums of at most \\d+ results",
    "windows of at most \\d+ pixels", "windows within its source", "\\d+ rows in load", "rows of load", "a load ",
    "parameters among", "multipliers of", "shifts from", "spare bytes of zero in its parameters", "taps among",
    "its \\d+ loads among", "one tile for", "results of a vector in", "partial sums of")))
# After these nothing else of a descriptor is looked at, which might take hours.
LAST = re.compile("at most|its \\d+ loads among")


class Broken(Checks):
    """Checks that go on after a rule that is broken, up to the first descriptor that gateware is sure to refuse.

    Attributes
    ----------
    found : list of (Fault, int, bool)
        Of each rule that is broken its fault, the number of the descriptor, and whether gateware is sure to notice.
    """

    def run(self):
        """Find them."""
        self.found, first = [], 0
        for number, descriptor in enumerate(self._image.program):
            self._number, self._descriptor = number, descriptor
            self._before = self._image.program[number - 1] if number else type(descriptor)()
            try:
                self._check(first)
            except EngineError:
                pass
            # What a number of zero, or a load that is missing, makes of other rules.
            except (ZeroDivisionError, ValueError, IndexError):
                assert self.found and self.found[-1][1] == number
            if any(is_sure for *_, is_sure in self.found) or descriptor.operation == Operation.END:
                break
            first += descriptor.tiles if descriptor.operation == Operation.CONV else 0

    def _require(self, fault, condition, rule, value):
        if not condition:
            is_window = rule == "windows that see its source" and self._descriptor.operation == Operation.POOL
            self.found.append((fault, self._number, not (LACKED.match(rule) or is_window)))
            if LAST.match(rule):
                raise EngineError(rule, self._number, fault)
