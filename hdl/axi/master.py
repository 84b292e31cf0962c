"""Ports of an AXI4 master: those of addresses, and of what is read."""

from amaranth.hdl import Cat, Const
from amaranth.lib.wiring import In, Out

from .bursts import beat_shift

INCREMENTING, NORMAL_BUFFERABLE = 1, 3


def address_ports(kind, address_bits):
    """Ports of requests, ``ar`` or ``aw``: direction and width, seen from the master, and meaning, by name."""
    return {
        f"{kind}id": (Out, 1, "which of its bursts it is"),
        f"{kind}addr": (Out, address_bits, "address of a burst"),
        f"{kind}len": (Out, 8, "its beats less one"),
        f"{kind}size": (Out, 3, "a beat has two to this many bytes"),
        f"{kind}burst": (Out, 2, "addresses rise"),
        f"{kind}cache": (Out, 4, "normal memory, not cached"),
        f"{kind}prot": (Out, 3, "data, secure, without privilege"),
        f"{kind}valid": (Out, 1, "a burst is requested"),
        f"{kind}ready": (In, 1, "the request is accepted"),
    }


def read_ports(bits, address_bits):
    """Ports of a master that reads, as of `address_ports`."""
    return {
        **address_ports("ar", address_bits), "rid": (In, 1, "which burst a beat is of"), "rdata": (In, bits, "a beat"),
        "rresp": (In, 2, "2 or 3 is an error"), "rlast": (In, 1, "the last beat of its burst; not needed"),
        "rvalid": (In, 1, "a beat is offered"), "rready": (Out, 1, "it is accepted, always"),
    }


def connect_address(m, port, kind, request, bits):
    """A burst's address and form, of beats of so many bits; ``request`` as of `burst_layout`."""
    shift = beat_shift(bits)
    names = {"addr": Cat(Const(0, shift), request.first), "len": (request.beats - 1)[:8], "size": shift,
             "burst": INCREMENTING, "cache": NORMAL_BUFFERABLE, "prot": 0}
    members = {path[0]: value for path, _, value in port.signature.flatten(port)}
    m.d.comb += [members[kind + name].eq(value) for name, value in names.items()]
