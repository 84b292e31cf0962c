"""Register file: the table of registers as gateware, behind a port that any bus can be put before."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .register_map import ADDRESS_BITS, Access, ErrorCode, register_map

# One access: ``enable`` for a cycle; the answer comes with the next cycle and stays until the next access.
PORT = wiring.Signature({
    "enable": Out(1), "write": Out(1), "address": Out(ADDRESS_BITS), "data": Out(32), "strobe": Out(4),
    "read_data": In(32), "refused": In(1),
})


class RegisterFile(wiring.Component):
    """Answers each access in the next cycle: with the register's value, or that it is refused and changes nothing.

    Bits that no field has read zero and ignore writes, as do fields that are read only. A write changes the bytes that
    its strobe has; commands and events are done by those alone. One without any byte does nothing, and is no error.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    bus : ``In(PORT)``
        The lowest two bits of an address are ignored.
    REGISTER_FIELD : ``In`` or ``Out``
        Each field but constants. In: a status; of an event, for a cycle, that it happens. Out: what is stored or
        latched; for a cycle, that a command is given; the word of data.
    REGISTER_FIELD_now : ``Out``
        Of an event: it has happened, and was not cleared.
    REGISTER_written : ``Out(1)``
        Of a register that ``tells``: it was written; for a cycle, the one in which it has, or gives, the new value.
    REGISTER_used : ``In(1)``
        Refuse accesses to a register that ``waits``; but for fields that do not.
    error : ``Out(8)``
        `ErrorCode` of an access, for the cycle in which it is made.
    """

    def __init__(self, *, config):
        self.config = config
        self.registers = register_map(config)
        members = {"bus": In(PORT), "error": Out(8)}
        for register in self.registers:
            if register.waits:
                members[f"{register.name}_used"] = In(1)
            if register.tells:
                members[f"{register.name}_written"] = Out(1)
            for field in register.fields:
                name = f"{register.name}_{field.name}"
                if field.access in (Access.STATUS, Access.EVENT):
                    members[name] = In(field.bits)
                elif field.access is not Access.CONSTANT:
                    members[name] = Out(field.bits, init=field.reset)
                if field.access is Access.EVENT:
                    members[f"{name}_now"] = Out(field.bits)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        bus, error, read = self.bus, Signal(8), Signal(32)
        mask = Cat(bit.replicate(8) for bit in bus.strobe)
        m.d.comb += error.eq(ErrorCode.UNMAPPED)
        with m.Switch(bus.address[2:]):
            for register in self.registers:
                with m.Case(register.offset >> 2):
                    m.d.comb += [read.eq(self._word(register)), error.eq(self._judge(register, mask))]
        # Converters of widths make such writes.
        with m.If(bus.write & ~bus.strobe.any()):
            m.d.comb += error.eq(ErrorCode.NONE)
        with m.If(bus.enable):
            m.d.comb += self.error.eq(error)
            m.d.sync += [bus.refused.eq(error != ErrorCode.NONE),
                         bus.read_data.eq(Mux(bus.write | (error != ErrorCode.NONE), 0, read))]
        accepted = bus.enable & bus.write & (error == ErrorCode.NONE)
        for register in self.registers:
            if register.is_written:
                written = Signal(name=f"write_{register.name}")
                touched = bus.strobe & self._bytes(register)
                m.d.comb += written.eq(accepted & (bus.address[2:] == register.offset >> 2) & touched.any())
                if register.tells:
                    m.d.sync += getattr(self, f"{register.name}_written").eq(written)
                for field in register.fields:
                    self._write(m, register, field, written, mask)
        return m

    @staticmethod
    def _bytes(register):
        """Bytes that have a field."""
        return sum(1 << byte for byte in range(4) if any(field.mask >> 8 * byte & 255 for field in register.fields))

    def _holds(self, register, field):
        """What software reads."""
        if field.access is Access.CONSTANT:
            return Const(field.reset, field.bits)
        if field.access in (Access.COMMAND, Access.DATA):
            return Const(0, field.bits)
        name = f"{register.name}_{field.name}"
        return getattr(self, f"{name}_now" if field.access is Access.EVENT else name)

    def _word(self, register):
        parts, low = [], 0
        for field in sorted(register.fields, key=lambda field: field.low):
            parts += [Const(0, field.low - low), self._holds(register, field)]
            low = field.low + field.bits
        return Cat(parts)

    def _new(self, register, field, mask):
        """What a write makes of a field."""
        bits = slice(field.low, field.low + field.bits)
        return self._holds(register, field) & ~mask[bits] | self.bus.data[bits] & mask[bits]

    def _judge(self, register, mask):
        """The `ErrorCode` of an access to a register."""
        write, wrong = self.bus.write, []
        for field in register.fields:
            new = self._new(register, field, mask)
            if field.access is Access.STORED and field.least > 0:
                wrong.append(new < field.least)
            if field.access is Access.STORED and field.most < (1 << field.bits) - 1:
                wrong.append(new > field.most)
            if field.access is Access.DATA:
                wrong.append(~self.bus.strobe.all())
        error = Mux(write & reduce(or_, wrong), ErrorCode.VALUE, ErrorCode.NONE) if wrong else Const(0, 8)
        if register.waits:
            used = getattr(self, f"{register.name}_used")
            if not all(field.waits for field in register.fields):
                used &= Cat(self.bus.data & mask & field.mask for field in register.fields if field.waits).any()
            error = Mux(used & (write if register.is_written else ~write), ErrorCode.BUSY, error)
        if register.locks:
            error = Mux(write & self.lock_locked, ErrorCode.LOCKED, error)
        return error

    def _write(self, m, register, field, written, mask):
        if field.access in (Access.CONSTANT, Access.STATUS):
            return
        target = getattr(self, f"{register.name}_{field.name}")
        bits = slice(field.low, field.low + field.bits)
        given = Mux(written, self.bus.data[bits] & mask[bits], 0)
        if field.access is Access.EVENT:
            now = getattr(self, f"{register.name}_{field.name}_now")
            m.d.sync += now.eq(now & ~given | target)
        elif field.access is Access.LATCH:
            m.d.sync += target.eq(target | given)
        elif field.access is Access.COMMAND:
            m.d.sync += target.eq(given)
        else:
            for byte in range(field.low // 8, -(-(field.low + field.bits) // 8)):
                low, high = max(field.low, 8 * byte), min(field.low + field.bits, 8 * byte + 8)
                with m.If(written & self.bus.strobe[byte]):
                    m.d.sync += target[low - field.low:high - field.low].eq(self.bus.data[low:high])
