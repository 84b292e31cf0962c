"""Rules of clock domain crossings, checked on netlists: of a crossing alone, and with each rule broken."""

import json
import shutil

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Cat, ClockDomain, Module, Signal
from bitline.hdl.clocking.crossing import StreamCrossing
from bitline.scripts.fpga.crossing_check import CrossingError, Crossings, check_crossings
from bitline.scripts.fpga.families import FAMILIES
from bitline.scripts.fpga.flow import Netlist, synthesize
from some import some_of

BITS = 4


def crossing_alone():
    """A crossing between counters that run at different clocks, as RTLIL."""
    m = Module()
    clocks = [Signal(name=f"{domain}_clk") for domain in ("source", "sink")]
    m.domains.source = source = ClockDomain("source", reset_less=True)
    m.domains.sink = sink = ClockDomain("sink", reset_less=True)
    m.submodules.crossing = crossing = StreamCrossing(shape=BITS, source="source", sink="sink")
    payload, sums = Signal(BITS), Signal(BITS)
    m.d.comb += [Cat(source.clk, sink.clk).eq(Cat(clocks)), crossing.i.valid.eq(1), crossing.i.payload.eq(payload),
                 crossing.o.ready.eq(1)]
    with m.If(crossing.i.ready):
        m.d.source += payload.eq(payload + 1)
    with m.If(crossing.o.valid):
        m.d.sink += sums.eq(sums + crossing.o.payload)
    return rtlil.convert(m, name="top", ports=[*clocks, sums], emit_src=False)


@pytest.fixture(scope="module", params=some_of(FAMILIES, "ice40"))
def netlist(request, tmp_path_factory):
    folder = request.config.rootpath / "build" / "crossing" / request.param
    return synthesize({"top.il": crossing_alone()}, "top", request.param, folder, apart=(), pads=False)


@pytest.fixture
def broken(netlist, tmp_path):
    """The netlist, its cells and what the check knows of them; ``save`` checks what was changed."""
    return Broken(netlist, tmp_path)


class Broken:
    """A copy of a netlist to break."""

    def __init__(self, netlist, folder):
        self.netlist = Netlist(netlist.family, netlist.top, folder, netlist.scopes, netlist.opened)
        shutil.copy(netlist.folder / "netlist.json", folder)
        self.design = json.loads((folder / "netlist.json").read_text(encoding="utf-8"))
        self.cells = self.design["modules"]["top"]["cells"]
        self.known = Crossings(self.design["modules"]["top"], netlist.family)
        self.synchronizers = self.known.synchronizers
        # That of the acknowledgment, on which no capture register depends, and that of the request.
        sink = next(self.known.domains[name] for name in self.known.crossings if name not in self.synchronizers)
        self.synchronizers = dict(sorted(self.synchronizers.items(),
                                         key=lambda pair: self.known.domains[pair[0]] == sink))
        self.captures = [name for name in self.known.crossings if name not in self.synchronizers]
        self.unused = 1 + max(bit for net in self.design["modules"]["top"]["netnames"].values()
                              for bit in net["bits"] if isinstance(bit, int))

    def pin(self, name, *pins):
        """The bits at the pin of a cell that has one of these names."""
        connections = self.cells[name]["connections"]
        return next(connections[pin] for pin in pins if pin in connections)

    def data(self, name):
        return self.pin(name, "D", "DI")

    def lut(self, *inputs):
        """A net driven by a new LUT with these nets as inputs."""
        self.unused += 1
        self.cells[f"lut_{self.unused}"] = {
            "type": "LUT4", "parameters": {}, "attributes": {},
            "port_directions": {**{f"I{index}": "input" for index in range(len(inputs))}, "O": "output"},
            "connections": {**{f"I{index}": [bit] for index, bit in enumerate(inputs)}, "O": [self.unused]}}
        return self.unused

    def flip_flop(self, like, data):
        """A copy of a flip-flop, with other data; its output."""
        self.unused += 1
        copy = json.loads(json.dumps(self.cells[like]))
        copy["connections"] |= {"Q": [self.unused], "DI" if "DI" in copy["connections"] else "D": [data]}
        self.cells[f"flip_flop_{self.unused}"] = copy
        return self.unused

    def synchronizer(self, like, data):
        """A copy of a synchronizer, given its first flip-flop, with other data; its output."""
        return self.flip_flop(self.synchronizers[like], self.flip_flop(like, data))

    def input_pin(self):
        """A new pin of the device."""
        self.unused += 1
        self.design["modules"]["top"]["ports"]["pin"] = {"direction": "input", "bits": [self.unused]}
        return self.unused

    def enable(self, names, net):
        """Another enable for flip-flops."""
        for name in names:
            self.pin(name, "E", "CE")[:] = [net]

    @property
    def sources(self):
        """What the capture registers capture."""
        return [self.known.drivers[self.data(name)[0]][0] for name in self.captures]

    @property
    def to_sink(self):
        """The first flip-flop of the request's synchronizer."""
        return list(self.synchronizers)[-1]

    def check(self):
        (self.netlist.folder / "netlist.json").write_text(json.dumps(self.design), encoding="utf-8")
        return check_crossings(self.netlist)


def test_a_crossing_keeps_to_the_rules(broken):
    assert broken.check() == {"clocks": 2, "synchronizers": 2, "captured_bits": BITS}
    assert len(broken.synchronizers) == 2 and len(broken.captures) == BITS


def refused(broken, match):
    with pytest.raises(CrossingError, match=match) as caught:
        broken.check()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("which", ["synchronizers", "captures"])
def test_logic_on_the_way_is_noticed(broken, which):
    data = broken.data(next(iter(getattr(broken, which))))
    data[0] = broken.lut(data[0], broken.pin(broken.captures[0], "Q")[0])
    refused(broken, "must come straight from a flip-flop of the other clock, and comes through lut_")


@pytest.mark.parametrize("which", ["synchronizers", "captures"])
def test_an_inverter_between_flip_flops_is_noticed(broken, which):
    data = broken.data(next(iter(getattr(broken, which))))
    data[0] = broken.lut(data[0])
    refused(broken, "must come straight from a flip-flop of the other clock, and comes through lut_")


def test_a_single_flip_flop_is_noticed(broken):
    """What came from the second comes from the first."""
    first, second = next(iter(broken.synchronizers.items()))
    out = broken.pin(second, "Q")[0]
    del broken.cells[second]
    for name in {name for name, _ in broken.known.loads[out]}:
        for bits in broken.cells[name]["connections"].values():
            bits[:] = [broken.pin(first, "Q")[0] if bit == out else bit for bit in bits]
    refused(broken, "must load each cycle without a reset and be followed by one flip-flop of its clock and")


def test_a_second_load_of_the_first_flip_flop_is_noticed(broken):
    first, second = next(iter(broken.synchronizers.items()))
    broken.flip_flop(second, broken.pin(first, "Q")[0])
    refused(broken, "must load each cycle without a reset and be followed by one flip-flop of its clock and")


def test_a_second_flip_flop_of_another_clock_is_noticed(broken):
    first, second = next(iter(broken.synchronizers.items()))
    other = (broken.known.clocks - {broken.known.domains[first]}).pop()
    broken.pin(second, "C", "CLK")[0] = other
    with pytest.raises(CrossingError):
        broken.check()


def test_an_enable_of_the_other_clock_is_noticed(broken):
    capture = broken.captures[0]
    broken.pin(capture, "E", "CE")[0] = broken.data(capture)[0]
    refused(broken, "another clock must reach .* through a flip-flop, and reaches its pin C?E")


def test_an_enable_without_a_synchronizer_is_noticed(broken):
    capture = broken.captures[0]
    counter = broken.flip_flop(list(broken.synchronizers.values())[-1], "0")
    broken.pin(capture, "E", "CE")[0] = counter
    refused(broken, "the enable of .* must come from a synchronizer of its clock, and does not")


def test_a_capture_without_an_enable_is_noticed(broken):
    broken.pin(broken.captures[0], "E", "CE")[0] = "1"
    refused(broken, "must load each cycle without a reset and be followed by one flip-flop of its clock and")


def test_an_output_of_the_other_clock_in_logic_is_noticed(broken):
    """Into the data of a flip-flop that is no capture register."""
    capture, second = broken.captures[0], next(iter(broken.synchronizers.values()))
    inside = broken.known.domains[capture] == broken.known.domains[second]
    other = broken.data(capture)[0] if inside else broken.pin(capture, "Q")[0]
    broken.flip_flop(second, broken.lut(broken.pin(second, "Q")[0], other))
    refused(broken, "must come straight from a flip-flop of the other clock, and comes through lut_")


RESET_PINS = {"ice40": "R", "ecp5": "LSR", "gowin": "RESET"}


def test_logic_in_the_reset_of_a_synchronizer_is_noticed(broken):
    """As synthesis makes it of ``x & ~g``."""
    cell = broken.cells[broken.to_sink]
    pin = RESET_PINS[broken.netlist.family.name]
    cell["connections"][pin] = [broken.pin(broken.captures[0], "Q")[0]]
    cell["port_directions"][pin] = "input"
    refused(broken, "must load each cycle without a reset and be followed by one flip-flop of its clock and")


@pytest.mark.parametrize("delays", [0, 1])
def test_bits_of_a_counter_that_meet_behind_synchronizers_are_noticed(broken, delays):
    bits = [broken.synchronizer(broken.to_sink, broken.data(name)[0]) for name in broken.captures[:2]]
    broken.check()
    for _ in range(delays):
        bits[0] = broken.flip_flop(broken.synchronizers[broken.to_sink], bits[0])
    broken.flip_flop(broken.synchronizers[broken.to_sink], broken.lut(*bits))
    refused(broken, "must not meet in logic of another clock, and meet at flip_flop_")


def test_bits_of_a_counter_that_meet_at_pins_of_a_flip_flop_are_noticed(broken):
    bits = [broken.synchronizer(broken.to_sink, broken.data(name)[0]) for name in broken.captures[:2]]
    last = broken.flip_flop(broken.captures[0], bits[0])
    broken.enable([f"flip_flop_{last}"], bits[1])
    refused(broken, "must not meet in logic of another clock, and meet at flip_flop_")


def test_captures_enabled_by_an_input_pin_are_noticed(broken):
    broken.enable(broken.captures, broken.synchronizer(broken.to_sink, broken.input_pin()))
    refused(broken, "must come from the request of one handshake with the clock of .*, and comes from 0")


def test_captures_enabled_by_a_toggle_are_noticed(broken):
    """Nothing goes back to the source."""
    request = broken.synchronizers[broken.to_sink]
    toggle = broken.flip_flop(broken.known._source(broken.to_sink)[0], "0")
    copy = broken.synchronizer(broken.to_sink, toggle)
    broken.enable(broken.captures, broken.lut(copy, broken.flip_flop(request, copy)))
    refused(broken, "must come from the request of one handshake with the clock of .*, and comes from 0")


@pytest.mark.parametrize("how", ["always", "of its own"])
def test_captured_flip_flops_that_count_freely_are_noticed(broken, how):
    request = broken.known._source(broken.to_sink)[0]
    enable = "1" if how == "always" else broken.flip_flop(request, broken.pin(broken.sources[0], "Q")[0])
    if how != "always":
        broken.enable([f"flip_flop_{enable}"], "1")
    broken.enable(broken.sources, enable)
    refused(broken, "must have an enable that depends on the acknowledgment of what captures it, .*, and has not")


def test_an_enable_from_a_cell_of_a_constant_is_noticed(broken):
    """As Gowin's netlists have constants."""
    broken.unused += 1
    broken.cells["high"] = {"type": "VCC", "parameters": {}, "attributes": {}, "port_directions": {"V": "output"},
                            "connections": {"V": [broken.unused]}}
    broken.enable(broken.captures, broken.unused)
    refused(broken, "must load each cycle without a reset and be followed by one flip-flop of its clock and")


def test_a_clock_in_the_data_of_a_flip_flop_is_noticed(broken):
    source = broken.known.domains[broken.sources[0]]
    broken.flip_flop(broken.synchronizers[broken.to_sink], source)
    refused(broken, "must load each cycle without a reset and be followed by one flip-flop of its clock and")
