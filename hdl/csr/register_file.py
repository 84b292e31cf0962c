"""Register file: the table of registers as gateware, behind a port that any bus can be put before."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .register_map import BUS_ADDRESS_BITS, Access, ErrorCode, register_map

# One access: ``enable`` for a cycle; the answer comes with the next cycle and stays until the next access.
PORT = wiring.Signature({
    "enable": Out(1), "write": Out(1), "address": Out(BUS_ADDRESS_BITS), "data": Out(32), "strobe": Out(4),
    "read_data": In(32), "refused": In(1),
})


def field_signature(field):
    """The port of a field, seen by the register file: ``data``, what it holds or what hardware says that it is.

    Of an event hardware says with ``set``, for a cycle, that it happens. A command has its bits for a cycle; of data
    ``data`` is what was written last. A constant has no port.
    """
    if field.access is Access.CONSTANT:
        return wiring.Signature({})
    if field.access is Access.STATUS:
        return wiring.Signature({"data": In(field.bits)})
    if field.access is Access.EVENT:
        return wiring.Signature({"data": Out(field.bits), "set": In(field.bits)})
    return wiring.Signature({"data": Out(field.bits, init=field.reset)})


def register_signature(register):
    """The port of a register, seen by the register file: its fields by name, as `field_signature` says.

    ``used``, of one that ``waits``: refuse accesses, but for fields that do not wait. ``written``, of one that
    ``tells``: it was written; for a cycle, the one in which it has, or gives, the new value.
    """
    members = {field.name: Out(field_signature(field)) for field in register.fields}
    if register.waits:
        members["used"] = In(1)
    if register.tells:
        members["written"] = Out(1)
    return wiring.Signature(members)


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
    REGISTER : ``Out(register_signature)``
        For each of `register_map`, by its name: `registers.control.zeroize.data` is a field's port.
    access_error : ``Out(8)``
        `ErrorCode` of an access, for the cycle in which it is made.
    """

    def __init__(self, *, config):
        self.config = config
        self.registers = register_map(config)
        super().__init__({"bus": In(PORT), "access_error": Out(8), **{
            register.name: Out(register_signature(register)) for register in self.registers}})
        # By register, field and port.
        self._ports = {path: value for path, _, value in self.signature.flatten(self)}

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
            m.d.comb += self.access_error.eq(error)
            m.d.sync += [bus.refused.eq(error != ErrorCode.NONE),
                         bus.read_data.eq(Mux(bus.write | (error != ErrorCode.NONE), 0, read))]
        accepted = bus.enable & bus.write & (error == ErrorCode.NONE)
        for register in self.registers:
            if register.is_written:
                written = Signal(name=f"write_{register.name}")
                touched = bus.strobe & self._bytes(register)
                m.d.comb += written.eq(accepted & (bus.address[2:] == register.offset >> 2) & touched.any())
                if register.tells:
                    m.d.sync += self._ports[register.name, "written"].eq(written)
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
        return self._ports[register.name, field.name, "data"]

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
            used = self._ports[register.name, "used"]
            if not all(field.waits for field in register.fields):
                used &= Cat(self.bus.data & mask & field.mask for field in register.fields if field.waits).any()
            error = Mux(used & (write if register.is_written else ~write), ErrorCode.BUSY, error)
        if register.locks:
            error = Mux(write & self._ports["lock", "locked", "data"], ErrorCode.LOCKED, error)
        return error

    def _write(self, m, register, field, written, mask):
        if field.access in (Access.CONSTANT, Access.STATUS):
            return
        target = self._ports[register.name, field.name, "data"]
        bits = slice(field.low, field.low + field.bits)
        given = Mux(written, self.bus.data[bits] & mask[bits], 0)
        if field.access is Access.EVENT:
            m.d.sync += target.eq(target & ~given | self._ports[register.name, field.name, "set"])
        elif field.access is Access.LATCH:
            m.d.sync += target.eq(target | given)
        elif field.access is Access.COMMAND:
            m.d.sync += target.eq(given)
        else:
            for byte in range(field.low // 8, -(-(field.low + field.bits) // 8)):
                low, high = max(field.low, 8 * byte), min(field.low + field.bits, 8 * byte + 8)
                with m.If(written & self.bus.strobe[byte]):
                    m.d.sync += target[low - field.low:high - field.low].eq(self.bus.data[low:high])
