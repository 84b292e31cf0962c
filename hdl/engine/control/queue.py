"""Queue: two registers between who finds items ahead and who takes them."""

from amaranth.hdl import Mux, Signal


class Queue:
    """Neither side waits for the other's logic: what each sees of the other is a register.

    Parameters
    ----------
    m : Module
    clear : Value
        For a cycle: there are no items.
    valid : Value
        An item is given, for as long as ``has_room`` is low.
    given : View
        The item.
    take : Value
        The first is taken, if there is one.

    Attributes
    ----------
    has_room : Signal
        An item that is given is accepted.
    valid : Signal
        There is one to take.
    item : View
        It.
    """

    def __init__(self, m, *, clear, valid, given, take):
        self.has_room, self.valid = Signal(name="has_room", init=1), Signal(name="queue_valid")
        self.item, waiting = (Signal(given.shape(), name=name, reset_less=True) for name in ("queued", "queued_next"))
        moves = ~self.valid | take
        with m.If(self.has_room):
            m.d.sync += waiting.eq(given)
        with m.If(clear):
            m.d.sync += [self.valid.eq(0), self.has_room.eq(1)]
        with m.Elif(moves):
            m.d.sync += [self.item.eq(Mux(self.has_room, given, waiting)), self.valid.eq(~self.has_room | valid),
                         self.has_room.eq(1)]
        with m.Else():
            m.d.sync += self.has_room.eq(self.has_room & ~valid)
