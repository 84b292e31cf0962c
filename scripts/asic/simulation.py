"""Simulation of a netlist with delays, by a compiled program; and how often each net toggled, and why."""

import functools
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ...verif.sim.cache import cache, digest
from ..common.tools import FlowError
from .cells.array import BANK, CLOCK, OUTPUT, index_of, is_array
from .cells.functions import truth_table, variables

FEMTO = 1e6
SOURCE = Path(__file__).with_name("gates.cpp")


@dataclass(frozen=True)
class Stream:
    """A stream into a design.

    Attributes
    ----------
    valid, ready : int or None
        Nets of its handshake, if it has one.
    nets : list of int
        Of its payload, the lowest bit first.
    items : list of int
    after : int or None
        Number of the stream that must be through before this one begins.
    """

    valid: int | None
    ready: int | None
    nets: list
    items: list
    after: int | None = None


@dataclass(frozen=True)
class Results:
    """A stream out of a design, of which ``count`` items are taken; without a handshake one in every cycle."""

    valid: int | None
    ready: int | None
    nets: list
    count: int


@dataclass(frozen=True)
class Causes:
    """How often an output changed, by the pin that made it: pin to (falling, rising)."""

    instance: object
    pin: str
    counts: dict


@dataclass
class Activity:
    """What a simulation saw, from the first item of the stream that counts to the last result.

    Attributes
    ----------
    results : list of int
    cycles : int
        That were counted.
    events : int
    toggles : list of int
        By net.
    causes : list of Causes
    """

    results: list
    cycles: int
    events: int
    toggles: list = field(repr=False)
    causes: list = field(repr=False)


@functools.cache
def simulator():
    """Path of the compiled simulator; FlowError if there is no compiler or it fails."""
    if shutil.which("g++") is None:
        raise FlowError("g++ not found: apt-get install g++")
    text = SOURCE.read_text(encoding="utf-8")
    path = cache() / f"gates_{digest(text)}"
    if not path.exists():
        new = path.with_suffix(".new")
        done = subprocess.run(["g++", "-O2", "-std=c++17", "-o", new, SOURCE], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise FlowError(f"the simulator of gates must compile, and does not: {done.stderr.splitlines()[:1]}")
        new.replace(path)
    return path


def simulate(netlist, timing, streams, results, *, period, reset=None, window=0, seed=1, limit=1_000_000):
    """Run streams through a netlist.

    Parameters
    ----------
    netlist : Netlist
    timing : Timing
        Of the netlist; has its clock and delays.
    streams : list of Stream
    results : Results
    period : float
        ns.
    reset : int, optional
        Net that is high for the first cycles.
    window : int
        Counting begins with the first item of this stream.
    seed : int
        Of what has no value at the start.
    limit : int
        Cycles.

    Returns
    -------
    Activity

    Raises
    ------
    FlowError
        The results did not come within the limit, or a cell is of a kind that is not simulated.
    """
    gates, causes = [], []
    for index, instance in enumerate(netlist.instances):
        for words, owner in _gates(instance, timing.delays[index]):
            gates.append(words)
            causes += owner
    lines = [f"{netlist.nets} {seed} {round(period * FEMTO)} 1 {timing.clock} {-1 if reset is None else reset}",
             str(len(gates)), *gates, str(len(streams))]
    for stream in streams:
        lines.append(f"{_net(stream.valid)} {_net(stream.ready)} {_net(stream.after)} {len(stream.items)} "
                     f"{_nets(stream.nets)}")
        lines += [f"{item:x}" for item in stream.items]
    lines.append(f"{_net(results.valid)} {_net(results.ready)} {results.count} {_nets(results.nets)}")
    lines.append(f"{window} {limit}\n")
    done = subprocess.run([simulator()], input="\n".join(lines), capture_output=True, text=True, check=False)
    if done.returncode:
        raise FlowError(f"the simulator of gates must end by itself, and did not: {done.stderr.strip()}")
    return _activity(done.stdout.splitlines(), netlist, results, causes, limit)


def _activity(lines, netlist, results, causes, limit):
    words = lines[0].split()
    count = int(words[7])
    if count < results.count:
        raise FlowError(f"the netlist must give {results.count} results within {limit:,} cycles, and gave {count}")
    place = 1 + count
    toggles = [int(line) for line in lines[place:place + netlist.nets]]
    found = []
    for (instance, pin, pins), line in zip(causes, lines[place + netlist.nets:]):
        counts = [int(word) for word in line.split()]
        found.append(Causes(instance, pin, {cause: tuple(counts[2 * index:2 * index + 2])
                                            for index, cause in enumerate(pins)}))
    return Activity([int(line, 16) for line in lines[1:place]], int(words[3]), int(words[5]), toggles, found)


def _net(number):
    return -1 if number is None else number


def _nets(nets):
    return f"{len(nets)} {' '.join(map(str, nets))}"


def _table(table, count):
    """The words of a truth table of so many inputs."""
    words = max(1, (1 << count) // 64)
    return f"{words} {' '.join(f'{table >> 64 * index & (1 << 64) - 1:x}' for index in range(words))}"


def _femto(delays):
    """Rise and fall as words; a delay that tables do not have is none."""
    return " ".join(str(max(1, round((delay or 0) * FEMTO))) for delay in delays or (0, 0))


def _gates(instance, delays):
    """The simulated gates of a cell, each as words and its outputs as (instance, pin, pins that can cause it)."""
    cell, pins = instance.cell, instance.pins
    if cell.clock_gate:
        yield _clock_gate(instance)
    elif is_array(cell):
        yield _array(instance, delays)
    elif cell.storage:
        yield _stored(instance, delays)
    else:
        for output, table in cell.tables.items():
            if output in pins:
                nets = [pins[pin] for pin in cell.inputs]
                times = " ".join(_femto(delays.get((pin, output))) for pin in cell.inputs)
                yield (f"G {pins[output]} {_nets(nets)} {_table(table, len(nets))} {times}",
                       [(instance, output, list(cell.inputs))])
        if not cell.tables:
            raise FlowError(f"cells must have functions, and {cell.name} of {instance.name} has none")


def _literal(text, cell):
    """The pin that a function of one pin reads, and whether it is complemented."""
    names = variables(text)
    if len(names) != 1:
        raise FlowError(f"clocks of cells must be one pin, and that of {cell.name} is {text}")
    return names[0], truth_table(text, names) == 0b01


def _states(cell):
    """The output that has what a cell keeps, and the one with its complement."""
    found = [None, None]
    for pin, text in cell.outputs.items():
        table = truth_table(text, [cell.storage.state, cell.storage.complement])
        # Of the four places those where state and complement differ: 1 is state alone, 2 the complement alone.
        found[not table >> 1 & 1] = pin
    return found


def _stored(instance, delays):
    cell, pins, storage = instance.cell, instance.pins, instance.cell.storage
    inputs = variables(storage.data)
    clock, inverted = _literal(storage.clock, cell)
    states = _states(cell)
    # A flip-flop with an enable reads itself.
    known = {**pins, storage.state: pins.get(states[0])}
    if storage.is_asynchronous or any(known.get(name) is None for name in inputs):
        raise FlowError(f"flip-flops must have data and clock alone, and {cell.name} of {instance.name} has more")
    head = (f"{'F' if storage.kind == 'ff' else 'L'} {pins[clock]} {int(inverted)} "
            f"{' '.join(str(pins.get(pin, -1)) for pin in states)} {_nets([known[name] for name in inputs])} "
            f"{_table(truth_table(storage.data, inputs), len(inputs))}")
    if storage.kind == "ff":
        times = " ".join(_femto(delays.get((clock, pin))) for pin in states)
    else:
        first = next(pin for pin in states if pin in pins)
        times = " ".join(_femto(delays.get((pin, first))) for pin in (clock, inputs[0]))
    return f"{head} {times}", [(instance, pin, [clock, inputs[0]]) for pin in states if pin in pins]


def _array(instance, delays):
    """Of bitcells; `gates.cpp` has its function."""
    pins, buses = instance.pins, {}
    # A library names the bits of a port in any order.
    for pin in sorted((*instance.cell.inputs, *instance.cell.outputs), key=index_of):
        buses.setdefault(pin.partition("[")[0], []).append(pin)
    # All bits of the bank count as the first.
    causes, outputs = [CLOCK, *buses.get(BANK, ())[:1]], buses[OUTPUT]
    ports = [_nets([pins[pin] for pin in buses.get(port, ())])
             for port in ("wordline", "write_bank", "write_weight", BANK, OUTPUT)]
    times = [_femto(delays.get((cause, pin))) for pin in outputs for cause in causes]
    return " ".join((f"A {pins[CLOCK]}", *ports, *times)), [(instance, pin, causes) for pin in outputs]


def _clock_gate(instance):
    cell, pins = instance.cell, instance.pins
    (output,) = cell.outputs
    (clock,) = (pin.arguments[0] for pin in cell.group.of("pin") if pin.values.get("clock_gate_clock_pin") == "true")
    enables = [pins[pin] for pin in cell.inputs if pin != clock and pin in pins]
    return f"C {pins[clock]} {pins[output]} {_nets(enables)}", [(instance, output, [clock])]
