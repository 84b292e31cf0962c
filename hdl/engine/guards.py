"""Guards: what is read and written, compared with limits of the descriptor."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..fabric.register import registered
from .control.delays import delayed
from .control.descriptor import ADDRESS_BITS, record_layout
from .memory.activation_memory import WINDOW_ROWS
from .memory.bounds import Bounds, used_layout


class Guards(wiring.Component):
    """Compares every address of the activation memory; what is written waits for that.

    Latency: what is written comes `Bounds.LATENCY` cycles later; a read beyond is told two cycles more after its
    address, that of a window one.

    Parameters
    ----------
    lanes : int
    has_windows : bool
        There is a depthwise unit.

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, of which source, target and residual are meant.
    go : ``In(1)``
        For a cycle, it starts: from the next one on what is written is its own.
    feeder : ``In(record_layout)``
        The one whose windows are read.
    address : ``In(ADDRESS_BITS)``
        Of the first byte that is read.
    used : ``In(used_layout)``
        Which bytes are used, a cycle later.
    window : ``In(ArrayLayout(ADDRESS_BITS, WINDOW_ROWS))``
        The same of windows, if there are.
    window_used : ``In(ArrayLayout(used_layout, WINDOW_ROWS))``
        Which bytes are used, a cycle later.
    write : ``In(lanes)``
        Which of ``data`` are written: the first ones.
    target : ``In(ADDRESS_BITS)``
        Where.
    data : ``In(8 * lanes)``
        The bytes.
    allows : ``In(1)``
        They may be.
    guarded_write : ``Out(lanes)``
        Which of the next are to be written.
    guarded_target : ``Out(ADDRESS_BITS)``
        Where.
    guarded_data : ``Out(8 * lanes)``
        The bytes.
    beyond_source : ``Out(1)``
        A byte beyond the source was read.
    beyond_residual : ``Out(1)``
        One beyond the residual.
    beyond_window : ``Out(1)``
        One beyond the feeder's source.
    beyond_target : ``Out(1)``
        One beyond the target was to be written, and is not.
    """

    def __init__(self, *, lanes, has_windows):
        self.lanes, self.has_windows = lanes, has_windows
        windows = {"window": In(data.ArrayLayout(ADDRESS_BITS, WINDOW_ROWS)),
                   "window_used": In(data.ArrayLayout(used_layout(lanes), WINDOW_ROWS))}
        super().__init__({
            "record": In(record_layout()), "go": In(1), "feeder": In(record_layout()), "address": In(ADDRESS_BITS),
            "used": In(used_layout(lanes)), **(windows if has_windows else {}), "write": In(lanes),
            "target": In(ADDRESS_BITS), "data": In(8 * lanes), "allows": In(1), "guarded_write": Out(lanes),
            "guarded_target": Out(ADDRESS_BITS), "guarded_data": Out(8 * lanes), "beyond_source": Out(1),
            "beyond_residual": Out(1), "beyond_window": Out(1), "beyond_target": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        platform = Platform.of(platform)
        fields, feeder = self.record.fields, self.feeder.fields
        used = delayed(m, "late_used", self.used, 1)
        base, limit = (registered(m, f"read_{name}", Mux(self.used.is_residual, *values)) for name, values in (
            ("base", (fields.residual, fields.source)), ("limit", (fields.residual_limit, fields.source_limit))))
        reads = self._compare(m, platform, "read", delayed(m, "late_address", self.address, 2), used, base, limit)
        is_residual = delayed(m, "is_residual", used.is_residual, Bounds.LATENCY)
        written = Signal(used_layout(self.lanes), name="written")
        # The one that no written one follows.
        ends = self.write & ~Cat(self.write[1:], Const(0))
        m.d.comb += written.end.eq(reduce(or_, (Mux(ends[lane], lane + 1, 0) for lane in range(self.lanes))))
        base, limit = (registered(m, f"write_{name}", value, enable=self.go) for name, value in (
            ("base", fields.target), ("limit", fields.target_limit)))
        writes = self._compare(m, platform, "write", self.target, written, base, limit)
        late = Bounds.LATENCY
        m.d.comb += [
            self.beyond_source.eq(reads & ~is_residual), self.beyond_residual.eq(reads & is_residual),
            self.beyond_target.eq(writes),
            self.guarded_write.eq(Mux(self.allows & ~writes, delayed(m, "late_write", self.write, late, reset=True),
                                      0)),
            self.guarded_target.eq(delayed(m, "late_target", self.target, late)),
            self.guarded_data.eq(delayed(m, "late_data", self.data, late)),
        ]
        if self.has_windows:
            m.d.comb += self.beyond_window.eq(reduce(or_, (
                self._compare(m, platform, f"window_{row}", delayed(m, f"late_window_{row}", self.window[row], 1),
                              self.window_used[row], feeder.source, feeder.source_limit)
                for row in range(WINDOW_ROWS))))
        return m

    def _compare(self, m, platform, name, address, used, base, limit):
        """Whether a used byte is beyond."""
        bounds = platform.instantiate(m, f"{name}_bounds", "bounds", Bounds, lanes=self.lanes)
        m.d.comb += [bounds.address.eq(address), Value.cast(bounds.used).eq(Value.cast(used)), bounds.base.eq(base),
                     bounds.limit.eq(limit)]
        return bounds.is_beyond
