"""Programs: sequences of writes and vectors, with their results and cycles."""

from dataclasses import dataclass, field, fields

import numpy as np

from .full_rate import FullRate
from .macro import MacroModel


@dataclass(frozen=True)
class Write:
    """One row of a bank. Offered once ``after`` vectors of the program have been accepted."""

    bank: int
    row: int
    weights: np.ndarray
    after: int = 0


@dataclass(frozen=True)
class Vector:
    """One vector. Offered once ``after`` writes of the program have been accepted."""

    x: np.ndarray
    bits: int
    signed: bool
    bank: int = 0
    accumulate: bool = False
    fuse: int = 1
    after: int = 0


class Stream:
    """A sequence of `Write` or of `Vector` that is kept field by field, because programs have very many.

    ``stream.NAME`` is a field of all items, (items,) or (items, elements).

    Parameters
    ----------
    item : type
        `Write` or `Vector`.
    items : iterable
    """

    def __init__(self, item, items=()):
        self.item, self._counts, self._length = item, [], 0
        self._parts, self._joined = {each.name: [] for each in fields(item)}, {}
        self += items

    def __len__(self):
        return self._length

    def __iter__(self):
        columns = (getattr(self, name) for name in self._parts)
        return (self.item(*values) for values in zip(*(column if column.ndim > 1 else column.tolist()
                                                       for column in columns)))

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._parts:
            raise AttributeError(name)
        if name not in self._joined:
            self._joined[name] = self._join(self._parts[name])
        return self._joined[name]

    def _join(self, parts):
        """An array of parts that are arrays, or one value for all their items."""
        if not any(isinstance(part, np.ndarray) for part in parts):
            return np.repeat(np.array(parts, None if parts else np.int64), self._counts)
        return np.concatenate([part if isinstance(part, np.ndarray) else np.full(count, part)
                               for part, count in zip(parts, self._counts)])

    def __iadd__(self, items):
        for item in items:
            self.append(item)
        return self

    def append(self, item):
        """Add one item."""
        self.extend(1, **{name: np.asarray(getattr(item, name))[None] for name in self._parts})

    def extend(self, count, **values):
        """Add ``count`` items at once: a field is an array of them, one value for all, or left to its default.

        Raises
        ------
        TypeError
            A field that the item does not have, that has no default and is missing, or that has another count.
        """
        values = vars(self.item(**values))
        for name, value in values.items():
            if isinstance(value, np.ndarray) and len(value) != count:
                raise TypeError(f"{name} must have {count} values, not {len(value)}")
        for name, value in values.items():
            self._parts[name].append(value)
        self._counts.append(count)
        self._length += count
        self._joined.clear()


@dataclass
class Program:
    """Contents of the two input streams of a macro, each in order and without pauses.

    ``writes`` and ``vectors`` are each a `Stream`, and may be given as sequences of `Write` and of `Vector`.
    """

    writes: Stream = ()
    vectors: Stream = ()

    def __post_init__(self):
        self.writes, self.vectors = Stream(Write, self.writes), Stream(Vector, self.vectors)


@dataclass(frozen=True)
class Outcome:
    """Results and timing of a program.

    ``results`` is the `Results` of all vectors, ``taken`` the cycle in which each result was accepted, ``cycles`` the
    number of cycles from the first offer to the last handshake, both included. ``written`` has the cycle in which each
    write was accepted, if known.
    """

    results: object
    taken: list
    cycles: int
    written: list = field(default_factory=list)


def difference(found, expected):
    """Where an `Outcome` first differs from the one expected, in results, their cycles or how many cycles, or None."""
    if len(found.results) != len(expected.results):
        return f"there must be {len(expected.results)} results, and are {len(found.results)}"
    for name, given, wanted in (("result", found.results.y, expected.results.y),
                                ("sum of inputs", found.results.sum_x, expected.results.sum_x),
                                ("cycle of a result", *map(np.array, (found.taken, expected.taken)))):
        if not np.array_equal(given, wanted):
            place = tuple(np.argwhere(given != wanted)[0])
            return (f"{name} of vector {place[0]}{''.join(f', column {column},' for column in place[1:])} must be that "
                    f"of the golden model, {wanted[place]}, and is {given[place]}")
    if found.cycles != expected.cycles:
        return f"program must take {expected.cycles} cycles, and takes {found.cycles}"
    return None


class MacroState:
    """State of a macro between programs: contents of its banks, and its cycles.

    Parameters
    ----------
    config : MacroConfig
    """

    def __init__(self, config):
        self.model, self.clock = MacroModel(config), FullRate(config, pause(config))


def pause(config):
    """Cycles after which an idle macro has emptied its pipeline and completed all table fills."""
    return config.latency + max(shape.settle_cycles for shape in config.shapes)


def predict(config, program, state=None):
    """Results and cycles of a program whose results are always accepted at once.

    Parameters
    ----------
    config : MacroConfig
    program : Program
    state : MacroState, optional
        State of a macro that has run other programs, which is updated; by default that of a new macro.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        A program that waits for itself.
    """
    state = state or MacroState(config)
    writes, vectors = program.writes, program.vectors
    values = state.model.values_of(vectors)
    timing = state.clock.run(writes, vectors, values.planes)
    # A write that is accepted in the same cycle comes first.
    results = state.model.play(writes, vectors, values, np.searchsorted(timing.written, timing.accepted, "right"))
    last = max([*timing.written[-1:], *timing.taken[-1:]], default=-1)
    return Outcome(results, timing.taken, last + 1, timing.written)
