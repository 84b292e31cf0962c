"""Exact cycles: the macro's handshakes, one clock cycle a step."""


class MacroCycles:
    """When a macro takes and gives, for any behaviour of its three streams.

    A vector waits behind the one on the wordlines, is driven for as many cycles as it has planes, and its last plane
    moves down a pipeline that stands still only while a finished result finds the one before it not yet taken.

    Parameters
    ----------
    config : MacroConfig

    Attributes
    ----------
    o_valid : bool
        A result stands at the output in this cycle.
    planes_left : int
        Planes of the driven vector that are still to come.
    """

    def __init__(self, config):
        # From the last plane on the wordlines to the result that is about to reach the output.
        self._arriving = config.tree_latency + 1 + config.fuse_latency
        self.reset()

    def reset(self):
        """Empty, as after a reset."""
        self._waiting = None
        self.planes_left = 0
        self._driven_bank = None
        self._plane_bank = None
        self._pipeline = 0
        self.o_valid = False

    @property
    def idle(self):
        """Nothing is in flight."""
        return not (self._waiting or self.planes_left or self._pipeline or self.o_valid)

    @property
    def vector_waits(self):
        """A vector waits behind the one on the wordlines."""
        return self._waiting is not None

    def stands(self, o_ready):
        """Whether the pipeline stands still in this cycle."""
        return bool(self._pipeline >> self._arriving & 1) and self.o_valid and not o_ready

    def banks_in_use(self):
        """Banks that vectors in flight may still read."""
        return {bank for bank in (self._waiting and self._waiting[1], self._driven_bank if self.planes_left else None,
                                  self._plane_bank) if bank is not None}

    def step(self, vector, write_bank, o_ready):
        """One clock cycle.

        Parameters
        ----------
        vector : (planes, bank) or None
            What stands at ``i``.
        write_bank : int or None
            Bank of what stands at ``write``.
        o_ready : bool

        Returns
        -------
        (i_ready, write_ready) : (bool, bool)
            In this cycle; ``o_valid`` is that of the next.
        """
        arriving = bool(self._pipeline >> self._arriving & 1)
        enable = not self.stands(o_ready)
        last = self.planes_left == 1
        advance = self._waiting is not None and (self.planes_left == 0 or (last and enable))
        i_ready = self._waiting is None or advance
        write_ready = write_bank is not None and write_bank not in self.banks_in_use()

        if enable:
            self._pipeline = (self._pipeline << 1 | last) & (2 << self._arriving) - 1
            self._plane_bank = self._driven_bank if self.planes_left else None
        if advance:
            self.planes_left, self._driven_bank = self._waiting
        elif enable and self.planes_left:
            self.planes_left -= 1
        if i_ready:
            self._waiting = vector
        self.o_valid = arriving or (self.o_valid and not o_ready)
        return i_ready, write_ready
