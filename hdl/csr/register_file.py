"""Register file: the table of registers as gateware, behind a port for a bus front end."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .register_map import BUS_ADDRESS_BITS, Access, ErrorCode, register_map

# One access: ``enable`` for a cycle; the response comes in the next cycle. ``refused`` is stable until the next access,
# ``read_data`` until the next read.
PORT = wiring.Signature({
    "enable": Out(1), "write": Out(1), "address": Out(BUS_ADDRESS_BITS), "data": Out(32), "strobe": Out(4),
    "read_data": In(32), "refused": In(1),
})


def field_signature(field):
    """The port of a field, seen by the register file: ``data``, its value, an input if hardware sets it (RO).

    A W1C field is set by ``set``, for a cycle. ``data`` of a SINGLEPULSE field is high for a cycle; that of a WO field
    is the last value written. A constant has no port.
    """
    if field.access is Access.CONSTANT:
        return wiring.Signature({})
    if field.access is Access.RO:
        return wiring.Signature({"data": In(field.bits)})
    if field.access is Access.W1C:
        return wiring.Signature({"data": Out(field.bits), "set": In(field.bits)})
    return wiring.Signature({"data": Out(field.bits, init=field.reset)})


def register_signature(register):
    """The port of a register, seen by the register file: its fields by name, as `field_signature` says.

    ``busy``, if it has a ``busy_lock``: refuse accesses, except to fields without. ``written``, if it has a write
    strobe: high in the first cycle of a new value.
    """
    members = {field.name: Out(field_signature(field)) for field in register.fields}
    if register.busy_lock:
        members["busy"] = In(1)
    if register.has_write_strobe:
        members["written"] = Out(1)
    return wiring.Signature(members)


class RegisterFile(wiring.Component):
    """Responds to each access in the next cycle: with the register's value, or with ``refused`` and without an effect.

    Bits without a field read zero and ignore writes, as do read-only fields. A write changes only the bytes of its
    strobe; a write without any byte does nothing, and is no error.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    bus : ``In(PORT)``
        The lowest two bits of an address are ignored.
    REGISTER : ``Out(register_signature)``
        One port for each register of `register_map`; ``registers.control.zeroize.data`` is that of a field.
    access_error : ``Out(8)``
        `ErrorCode` of the access, in the cycle of ``bus.enable``.
    """

    def __init__(self, *, config):
        self.config = config
        self.registers = register_map(config)
        super().__init__({"bus": In(PORT), "access_error": Out(8), **{
            register.name: Out(register_signature(register)) for register in self.registers}})
        # By register, field and port.
        self._ports = {path: value for path, _, value in self.signature.flatten(self)}

    @property
    def meanings(self):
        """What the ports of each register are for, by its name."""
        return {register.name: register.meaning for register in self.registers}

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        error = Signal(8)
        read = Signal(32)
        mask = Cat(bit.replicate(8) for bit in bus.strobe)
        m.d.comb += error.eq(ErrorCode.UNMAPPED)
        with m.Switch(bus.address[2:]):
            for register in self.registers:
                with m.Case(register.offset >> 2):
                    m.d.comb += [read.eq(self._word(register)), error.eq(self._error_code(register, mask))]
        # Converters of widths make such writes.
        with m.If(bus.write & ~bus.strobe.any()):
            m.d.comb += error.eq(ErrorCode.NONE)
        with m.If(bus.enable):
            m.d.comb += self.access_error.eq(error)
            m.d.sync += bus.refused.eq(error != ErrorCode.NONE)
            with m.If(~bus.write):
                m.d.sync += bus.read_data.eq(Mux(error != ErrorCode.NONE, 0, read))
        accepted = bus.enable & bus.write & (error == ErrorCode.NONE)
        for register in self.registers:
            if register.is_written:
                written = Signal(name=f"write_{register.name}")
                touched = bus.strobe & self._bytes(register)
                m.d.comb += written.eq(accepted & (bus.address[2:] == register.offset >> 2) & touched.any())
                if register.has_write_strobe:
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
        if field.access in (Access.SINGLEPULSE, Access.WO):
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

    def _error_code(self, register, mask):
        """The `ErrorCode` of an access to a register."""
        write, wrong = self.bus.write, []
        for field in register.fields:
            new = self._new(register, field, mask)
            if field.access is Access.RW and field.minimum > 0:
                wrong.append(new < field.minimum)
            if field.access is Access.RW and field.max_value < (1 << field.bits) - 1:
                wrong.append(new > field.max_value)
            if field.access is Access.WO:
                wrong.append(~self.bus.strobe.all())
        error = Mux(write & reduce(or_, wrong), ErrorCode.VALUE, ErrorCode.NONE) if wrong else Const(0, 8)
        if register.busy_lock:
            busy = self._ports[register.name, "busy"]
            if not all(field.busy_lock for field in register.fields):
                busy &= Cat(self.bus.data & mask & field.mask for field in register.fields if field.busy_lock).any()
            error = Mux(busy & (write if register.is_written else ~write), ErrorCode.BUSY, error)
        if register.locks:
            error = Mux(write & self._ports["lock", "locked", "data"], ErrorCode.LOCKED, error)
        return error

    def _write(self, m, register, field, written, mask):
        if field.access in (Access.CONSTANT, Access.RO):
            return
        target = self._ports[register.name, field.name, "data"]
        bits = slice(field.low, field.low + field.bits)
        given = Mux(written, self.bus.data[bits] & mask[bits], 0)
        if field.access is Access.W1C:
            m.d.sync += target.eq(target & ~given | self._ports[register.name, field.name, "set"])
        elif field.access is Access.W1S:
            m.d.sync += target.eq(target | given)
        elif field.access is Access.SINGLEPULSE:
            m.d.sync += target.eq(given)
        else:
            for byte in range(field.low // 8, -(-(field.low + field.bits) // 8)):
                low, high = max(field.low, 8 * byte), min(field.low + field.bits, 8 * byte + 8)
                with m.If(written & self.bus.strobe[byte]):
                    m.d.sync += target[low - field.low:high - field.low].eq(self.bus.data[low:high])
