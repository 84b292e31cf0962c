"""Functions of cells: from liberty's text to a truth table."""

import re

from ...common.files import BadInput

TOKEN = re.compile(r"\s*([A-Za-z_]\w*(?:\[\d+\])?|[01]|[!'^*&+|()])")
# A cell of more inputs has a table too long to be kept.
MAX_INPUTS = 10


def variables(text):
    """Names in a function, each once, in order."""
    return list(dict.fromkeys(re.findall(r"[A-Za-z_]\w*(?:\[\d+\])?", text)))


def truth_table(text, inputs):
    """The table of a function, as an integer: bit ``i`` is its value where input ``k`` is bit ``k`` of ``i``.

    Parameters
    ----------
    text : str
        As in liberty: ``!`` or ``'`` negate, then ``^``, then ``*``, ``&`` or a space, then ``+`` or ``|``.
    inputs : sequence of str

    Raises
    ------
    BadInput
        It is no function of these inputs.
    """
    if len(inputs) > MAX_INPUTS:
        raise BadInput(f"functions must have at most {MAX_INPUTS} inputs, and {text} has {len(inputs)}")
    return _Parser(text, inputs).table()


def pattern(index, count):
    """The table of input ``index`` of ``count``."""
    return sum(1 << place for place in range(1 << count) if place >> index & 1)


class _Parser:
    """Recursive descent; the value of an expression is its table."""

    def __init__(self, text, inputs):
        self._text = text
        self._words = []
        place = 0
        while place < len(text.rstrip()):
            match = TOKEN.match(text, place)
            if not match:
                self._refuse()
            self._words.append(match[1])
            place = match.end()
        self._all = (1 << (1 << len(inputs))) - 1
        self._known = {"0": 0, "1": self._all,
                       **{name: pattern(index, len(inputs)) for index, name in enumerate(inputs)}}

    def _refuse(self):
        raise BadInput(f"functions of cells must be in liberty's syntax, and {self._text!r} is not")

    def _next(self, *allowed):
        """Take the next word if it is one of these."""
        return self._words.pop(0) if self._words and self._words[0] in allowed else None

    def table(self):
        value = self._sum()
        if self._words:
            self._refuse()
        return value

    def _sum(self):
        value = self._product()
        while self._next("+", "|"):
            value |= self._product()
        return value

    def _product(self):
        value = self._difference()
        while self._words and self._words[0] not in ("+", "|", ")", "^"):
            self._next("*", "&")
            value &= self._difference()
        return value

    def _difference(self):
        value = self._factor()
        while self._next("^"):
            value ^= self._factor()
        return value

    def _factor(self):
        if self._next("!"):
            return self._all ^ self._factor()
        if self._next("("):
            value = self._sum()
            if not self._next(")"):
                self._refuse()
        elif self._words and self._words[0] in self._known:
            value = self._known[self._words.pop(0)]
        else:
            self._refuse()
        while self._next("'"):
            value ^= self._all
        return value
