"""The streams of a block macro or core, cycle by cycle: what a program offers and takes, whatever simulates it."""

import random

OTHER = {"w": "i", "i": "w"}
# Of each stream what its ports begin with, and of a result the fields.
MACRO = {"prefixes": {"w": "w_", "i": "i_", "o": "o_"}, "result": ("value", "is_lost", "last")}
CORE = {"prefixes": {"w": "s_axis_w_t", "i": "s_axis_t", "o": "m_axis_t"}, "result": ("data", "keep", "last", "user")}


class StuckError(AssertionError):
    """Nothing has moved for too long."""


class Streams:
    """Offers the beats of a program in their order, and takes its results.

    Parameters
    ----------
    beats, needs : dict
        Of a `Program`.
    pauses : dict of str to float
        Share of the cycles in which the streams ``w``, ``i`` and ``o`` pause.
    seed : int
        Of the pauses.
    patience : int
        Cycles without a transfer after which a macro counts as stuck.
    prefixes : dict of str to str
    result : tuple of str
        As of `MACRO` or `CORE`.

    Attributes
    ----------
    inputs, outputs : list of str
        Ports; there are none of fields without bits.
    moved : dict of str to int
        Beats so far.
    found : list of dict
        Results.
    """

    def __init__(self, beats, needs, pauses, seed, patience, prefixes, result):
        self.beats, self.needs, self.pauses, self.patience = beats, needs, pauses, patience
        self.prefixes, self.result = prefixes, result
        fields = {stream: beats[stream][0] if beats[stream] else () for stream in OTHER}
        self.inputs = [f"{prefixes['o']}ready", *(prefixes[stream] + name for stream, others in fields.items()
                                                  for name in ("valid", *others))]
        self.outputs = [*(f"{prefixes[stream]}ready" for stream in OTHER),
                        *(prefixes["o"] + name for name in ("valid", *result))]
        self.rng = random.Random(seed)
        self.moved, self.valid = dict.fromkeys("wio", 0), dict.fromkeys(OTHER, False)
        self.found, self._times, self._cycle, self._idle = [], [], 0, 0

    def _goes(self, stream):
        """Whether a stream does not pause in this cycle."""
        return self.rng.random() >= self.pauses.get(stream, 0)

    def drive(self):
        """What the macro's inputs are in this cycle, by port, but for those that stay."""
        values = {}
        for stream, other in OTHER.items():
            index = self.moved[stream]
            is_due = index < len(self.beats[stream]) and self.moved[other] >= self.needs[stream][index]
            if not self.valid[stream] and is_due and self._goes(stream):
                self.valid[stream] = True
                values |= {self.prefixes[stream] + field: value for field, value in self.beats[stream][index].items()}
            values[f"{self.prefixes[stream]}valid"] = self.valid[stream]
        self.is_ready = self._goes("o")
        return values | {f"{self.prefixes['o']}ready": self.is_ready}

    def look(self, read):
        """Note what moves with the next edge; ``read(port)`` is the value of an output in this cycle.

        Raises
        ------
        StuckError
        """
        self._idle += 1
        for stream in OTHER:
            if self.valid[stream] and read(f"{self.prefixes[stream]}ready"):
                self.moved[stream], self.valid[stream], self._idle = self.moved[stream] + 1, False, 0
                if stream == "i":
                    self._times.append(self._cycle)
        if self.is_ready and read(f"{self.prefixes['o']}valid"):
            self.found.append({field: int(read(self.prefixes["o"] + field)) for field in self.result})
            self.moved["o"], self._idle = self.moved["o"] + 1, 0
            self._times.append(self._cycle)
        if self._idle >= self.patience:
            raise StuckError(f"streams must move, and do not, after {self.moved}")
        self._cycle += 1

    @property
    def is_done(self):
        """All has moved."""
        return all(self.moved[stream] >= len(beats) for stream, beats in self.beats.items())

    @property
    def cycles(self):
        """From the first beat of a vector to the last result, both included."""
        return self._times[-1] - self._times[0] + 1 if self._times else 0
