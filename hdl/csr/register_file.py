"""Register file: the table of registers as gateware, behind a port for a bus front end."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .register_map import BUS_ADDRESS_BITS, Access, ErrorCode

# One access: ``enable`` for a cycle; the response comes with ``done``, `ACCESS_CYCLES` cycles later, or more if the
# access is held, and the next access after that. ``refused`` is stable until the next ``done``, ``read_data`` until
# that of the next read.
PORT = wiring.Signature({
    "enable": Out(1), "write": Out(1), "address": Out(BUS_ADDRESS_BITS), "data": Out(32), "strobe": Out(4),
    "done": In(1), "read_data": In(32), "refused": In(1),
})


def field_signature(field):
    """The port of a field, seen by the register file: ``data``, its value, an input if hardware sets it (RO).

    A W1C field is set by ``set``, for a cycle. ``next`` of a W1S field is its value in the next cycle. ``data`` of a
    SINGLEPULSE field is high for a cycle; that of a WO field is the last value written. A constant has no port.
    """
    if field.access is Access.CONSTANT:
        return wiring.Signature({})
    if field.access is Access.RO:
        return wiring.Signature({"data": In(field.bits)})
    if field.access is Access.W1C:
        return wiring.Signature({"data": Out(field.bits), "set": In(field.bits)})
    if field.access is Access.W1S:
        return wiring.Signature({"data": Out(field.bits, init=field.reset), "next": Out(field.bits)})
    return wiring.Signature({"data": Out(field.bits, init=field.reset)})


def register_signature(register):
    """The port of a register, seen by the register file: its fields by name, as `field_signature` says.

    ``busy``, if it has a ``busy_lock``: refuse accesses, except to fields without. ``written``, if it has a write
    strobe: high in the first cycle of a new value; ``writing``: in that cycle and the two before, the first of which
    decides whether the write is refused; also if it is. ``read``, if it has a read strobe: high in the cycle in which
    its value is taken for a read.
    """
    members = {field.name: Out(field_signature(field)) for field in register.fields}
    if register.busy_lock:
        members["busy"] = In(1)
    if register.has_write_strobe:
        members |= {"written": Out(1), "writing": Out(1)}
    if register.has_read_strobe:
        members["read"] = Out(1)
    return wiring.Signature(members)


class RegisterFile(wiring.Component):
    """Responds to each access: with the register's value, or with ``refused`` and without an effect.

    Bits without a field read zero and ignore writes, as do read-only fields. A write changes only the bytes of its
    strobe; a write without any byte does nothing, and is no error.

    Parameters
    ----------
    registers : tuple of Register
        The table, as of `register_map`. If some of them lock, one is ``lock``, with the field ``locked``.

    Members
    -------
    bus : ``In(PORT)``
        The lowest two bits of an address are ignored.
    REGISTER : ``Out(register_signature)``
        One port for each register; ``registers.control.zeroize.data`` is that of a field.
    access_error : ``Out(8)``
        `ErrorCode` of the access, with ``bus.done``.
    hold : ``In(1)``
        If a register has a read strobe: its value is not there yet, and a read of it waits.
    """

    def __init__(self, *, registers):
        self.registers = registers
        self._has_hold = any(register.has_read_strobe for register in registers)
        super().__init__({"bus": In(PORT), "access_error": Out(8), **({"hold": In(1)} if self._has_hold else {}), **{
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
        # The request, stable until the next.
        self._request = request = Signal(data.StructLayout({
            "write": 1, "address": BUS_ADDRESS_BITS, "data": 32, "strobe": 4}), name="request", reset_less=True)
        self._asked = asked = Signal(name="asked")
        executes = Signal()
        m.d.sync += [asked.eq(bus.enable), executes.eq(asked), bus.done.eq(executes)]
        with m.If(bus.enable):
            m.d.sync += [request[name].eq(getattr(bus, name)) for name, _ in request.shape()]
        self._decode(m)
        if self._has_hold:
            with m.If(asked & self.hold & self._reads_strobed):
                m.d.sync += [asked.eq(1), executes.eq(0)]
        errors = self._check()
        refused = Signal()
        error = Signal(8)
        m.d.comb += refused.eq(reduce(or_, errors.values()))
        # The first of them counts.
        for code, is_wrong in reversed(errors.items()):
            with m.If(is_wrong):
                m.d.comb += error.eq(code)
        m.d.sync += self.access_error.eq(Mux(executes, error, ErrorCode.NONE))
        with m.If(executes):
            m.d.sync += bus.refused.eq(refused)
            with m.If(~request.write):
                m.d.comb += [self._ports[register.name, "read"].eq(self._is_read(register))
                             for register in self.registers if register.has_read_strobe]
                words = (Mux(self._is_read(register), self._word(register), 0) for register in self.registers)
                m.d.sync += bus.read_data.eq(reduce(or_, words))
        self._write_all(m, executes)
        return m

    def _decode(self, m):
        """Registers of what the request alone says, a cycle after it: which register it is for, and what it would do.

        No register that software writes changes until it is executed.
        """
        request = self._request
        has_bytes = request.strobe.any()
        self._mask = Cat(bit.replicate(8) for bit in request.strobe)

        def register(name, value):
            signal = Signal(len(value), name=name, reset_less=True)
            m.d.sync += signal.eq(value)
            return signal

        found = {each.name: request.address[2:] == each.offset >> 2 for each in self.registers}
        self._selected = {name: register(f"is_{name}", value) for name, value in found.items()}
        self._reads_strobed = ~request.write & Cat(found[each.name] for each in self.registers
                                                   if each.has_read_strobe).any()
        # Converters of widths make writes without any byte.
        self._locks = [found[each.name] for each in self.registers if each.locks]
        if self._locks:
            self._lockable = register("is_lockable", reduce(or_, self._locks) & request.write & has_bytes)
        self._unmapped = register("is_unmapped", ~Cat(found.values()).any() & ~(request.write & ~has_bytes))
        self._found_targets = {each.name: found[each.name] & request.write & (request.strobe & self._bytes(each)).any()
                               for each in self.registers if each.is_written}
        self._targets = {name: register(f"writes_{name}", value) for name, value in self._found_targets.items()}
        self._wrong = {each.name: register(f"wrong_{each.name}", reduce(or_, wrong) & request.write & has_bytes)
                       for each in self.registers if (wrong := self._wrong_fields(each))}
        self._guards = {each.name: register(f"guards_{each.name}", found[each.name] & self._is_guarded(each))
                        for each in self.registers if each.busy_lock}

    def _is_guarded(self, register):
        """Whether an access is refused while the register is busy."""
        if not register.is_written:
            return ~self._request.write
        locked = [field.mask for field in register.fields if field.busy_lock]
        touches = self._request.write & self._request.strobe.any()
        if len(locked) < len(register.fields):
            touches &= Cat(self._request.data & self._mask & mask for mask in locked).any()
        return touches

    def _wrong_fields(self, register):
        """Whether a write would give each field a wrong value, of those that do not take every one."""
        wrong = []
        for field in register.fields:
            new = self._new(register, field)
            if field.access is Access.RW and field.minimum > 0:
                wrong.append(new < field.minimum)
            if field.access is Access.RW and field.max_value < (1 << field.bits) - 1:
                wrong.append(new > field.max_value)
            if field.access is Access.WO:
                wrong.append(~self._request.strobe.all())
        return wrong

    def _check(self):
        """Whether there is an error in the access that is executed, by `ErrorCode`."""
        found = {
            ErrorCode.LOCKED: [self._lockable & self._ports["lock", "locked", "data"]] if self._locks else [],
            ErrorCode.BUSY: [guard & self._ports[name, "busy"] for name, guard in self._guards.items()],
            ErrorCode.VALUE: [self._selected[name] & is_wrong for name, is_wrong in self._wrong.items()],
            ErrorCode.UNMAPPED: [self._unmapped]}
        return {code: reduce(or_, errors) for code, errors in found.items() if errors}

    def _is_read(self, register):
        """Whether a read gives the register's value; one that is refused gives zero."""
        selected = self._selected[register.name]
        if register.is_written or not register.busy_lock:
            return selected
        return selected & ~self._ports[register.name, "busy"]

    def _write_all(self, m, executes):
        """Write what is selected, unless it is refused."""
        for register in self.registers:
            if register.is_written:
                # With the answer, which alone is late.
                asked, written = Signal(name=f"asks_{register.name}"), Signal(name=f"write_{register.name}")
                m.d.sync += asked.eq(executes & self._targets[register.name])
                m.d.comb += written.eq(asked & ~self.bus.refused)
                if register.has_write_strobe:
                    will_decide, decides = (self._asked & self._found_targets[register.name],
                                            executes & self._targets[register.name])
                    m.d.sync += self._ports[register.name, "writing"].eq(will_decide | decides | asked)
                    m.d.sync += self._ports[register.name, "written"].eq(written)
                for field in register.fields:
                    self._write(m, register, field, written)

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

    def _new(self, register, field):
        """What a write makes of a field."""
        bits = slice(field.low, field.low + field.bits)
        return self._holds(register, field) & ~self._mask[bits] | self._request.data[bits] & self._mask[bits]

    def _write(self, m, register, field, written):
        if field.access in (Access.CONSTANT, Access.RO):
            return
        target, request = self._ports[register.name, field.name, "data"], self._request
        bits = slice(field.low, field.low + field.bits)
        given = Mux(written, request.data[bits] & self._mask[bits], 0)
        if field.access is Access.W1C:
            m.d.sync += target.eq(target & ~given | self._ports[register.name, field.name, "set"])
        elif field.access is Access.W1S:
            following = self._ports[register.name, field.name, "next"]
            m.d.comb += following.eq(target | given)
            m.d.sync += target.eq(following)
        elif field.access is Access.SINGLEPULSE:
            m.d.sync += target.eq(given)
        else:
            for byte in range(field.low // 8, -(-(field.low + field.bits) // 8)):
                low, high = max(field.low, 8 * byte), min(field.low + field.bits, 8 * byte + 8)
                with m.If(written & request.strobe[byte]):
                    m.d.sync += target[low - field.low:high - field.low].eq(request.data[low:high])
