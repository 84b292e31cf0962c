"""The compiler: steps of a network as an image."""

from dataclasses import dataclass, fields, replace

import numpy as np

from ...golden.engine.descriptor import RANGES, Descriptor, Flags, Operation
from ...golden.engine.executor import Engine
from ...golden.engine.image import INPUT, OUTPUT, PARAMETER, PORT, STATE, EngineError, Image, Load
from ...hdl.config.engine import MEMORY_BANKS
from ..network.network import NetworkError
from ..network.window import ceil_div
from .lowering import Lowering
from .memory import View, place

# Words of a memory that is fitted to a network.
GRAIN = 64


@dataclass(frozen=True)
class Compiled:
    """A network for an engine.

    Attributes
    ----------
    image : bytes
    steps : list of Step
        One for each descriptor but the last.
    program : list of Descriptor
    loads : list of Load
    cycles : dict of int to int
        By number of a descriptor, if no plane is skipped; one that feeds another has none of its own.
    config : EngineConfig
    rows, slots, peak : int
        Of the tile memory, of the parameters, and bytes of the activation memory.
    total_cycles : int
        Of a run of which no plane is skipped.
    """

    image: bytes
    steps: list
    program: list
    loads: list
    cycles: dict
    config: object
    rows: int
    slots: int
    peak: int
    total_cycles: int


def compile_network(config, network, *, batch=1, fuse=True):
    """The `Compiled` network.

    Parameters
    ----------
    config : EngineConfig
    network : Network
    batch : int
        Inputs that run together, of a network of fully connected layers.
    fuse : bool
        Sums are computed with the convolution before them.

    Raises
    ------
    NetworkError
        In one line: operators that the engine does not have, or what it has too little of.
    """
    lowering = Lowering(config, network, batch=batch, fuse=fuse)
    share_sums(lowering)
    buffers = lowering.roots
    place(buffers, config)
    peak = max(buffer.limit for buffer in buffers)
    writer = _Writer(config)
    for step in lowering.steps:
        writer.add(step)
    output = lowering.buffers[lowering.outputs[0]]
    writer.append(Descriptor(operation=Operation.END, source=output.address, source_limit=output.limit,
                             depth=output.channels), "END")
    ports = [port for kind, indices in ((INPUT, lowering.inputs), (OUTPUT, lowering.outputs)) for index in indices
             for port in ports_of(kind, lowering.buffers[index])]
    ports += [port for buffer in lowering.states for port in ports_of(STATE, buffer)]
    states = [np.asarray(variable.initial, np.int8).reshape(-1) for variable in network.variables]
    image = writer.image(np.array(ports, PORT), np.concatenate([np.zeros(0, np.int8), *states]))
    cycles, image.cycles = _cycles(config, image, lowering.steps)
    return Compiled(image.to_bytes(config), lowering.steps, writer.program, writer.loads, cycles, config, writer.rows,
                    len(image.parameters), peak, image.cycles)


def _cycles(config, image, steps):
    """Cycles of each descriptor and of all, if no plane is skipped."""
    try:
        engine = Engine(config, image.to_bytes(config))
    except EngineError as error:
        locations = [*(step.location for step in steps), "END"]
        location = "network" if error.descriptor is None else locations[error.descriptor]
        raise NetworkError(f"{location} must be what an engine runs, and is not: {error}") from None
    cycles, end = {}, 0
    for step in engine.steps(all_planes=True):
        cycles[step.number], end = step.cycles, step.end
    return cycles, end


def widest(config):
    """The `EngineConfig` with as much of each memory as an engine can have, but for partial sums, which a network is
    divided for, and for a tile memory through which rows only come."""
    grown = ["activation_bytes", "parameter_slots", "program_length", "load_entries"]
    grown += [] if config.weight_port else ["tile_rows"]
    return replace(config, **{field.name: field.metadata["maximum"] for field in fields(config) if field.name in grown})


def fitted(compiled):
    """The `EngineConfig` with the least memories that hold a compiled network, in whole `GRAIN` words or entries."""
    config = compiled.config
    sums = max((min(descriptor.strip, descriptor.vectors) * descriptor.together * descriptor.block_height *
                descriptor.block_width * ceil_div(min(descriptor.outputs, descriptor.channels), config.lanes)
                for descriptor in compiled.program
                if descriptor.operation == Operation.CONV and descriptor.part_rows < descriptor.rows), default=1)
    bank = MEMORY_BANKS * config.lanes * GRAIN // 4
    least, = (field.metadata["minimum"] for field in fields(config) if field.name == "activation_bytes")
    return replace(config, activation_bytes=max(least, ceil_div(compiled.peak, bank) * bank),
                   tile_rows=min(config.tile_rows, _whole(compiled.rows)),
                   sum_slots=min(config.sum_slots, _whole(sums)), parameter_slots=_whole(compiled.slots),
                   program_length=_whole(len(compiled.program)), load_entries=_whole(len(compiled.loads)))


def _whole(count):
    return max(1, ceil_div(count, GRAIN)) * GRAIN


def share_sums(lowering):
    """Let a sum take the place of the tensor that is added, where nothing needs that any more."""
    for number, step in enumerate(lowering.steps):
        residual, target = step.residual, step.target
        if any(isinstance(buffer, View) and buffer.root is target for buffer in lowering.buffers.values()):
            continue
        if step.operation == Operation.CONV and residual is not None and residual.last == number and (
                residual.root is residual and target.root is target) and (
                residual.layout == target.layout and residual is not step.source.root) and (
                residual not in [lowering.buffers[index] for index in (*lowering.outputs, *lowering.inputs)]):
            residual.last = max(residual.last, target.last)
            residual.name = f"{residual.name}, {target.name}"
            for index, buffer in lowering.buffers.items():
                if buffer is target:
                    lowering.buffers[index] = residual
            for each in lowering.steps:
                each.source = residual if each.source is target else each.source
                each.target = residual if each.target is target else each.target
                each.residual = residual if each.residual is target else each.residual


def ports_of(kind, buffer):
    """The bytes of a buffer in the order of the tensor, as lines: of rows, or of pixels, a port for each row."""
    address, row = buffer.address, buffer.width * buffer.pixel
    if buffer.is_turned:
        return [(kind, address, buffer.width, buffer.height, buffer.pixel, buffer.pitch)]
    if buffer.pixel == buffer.channels:
        if buffer.height == 1 or buffer.pitch == row:
            return [(kind, address, 1, buffer.size, 0, 1)]
        return [(kind, address, buffer.height, row, buffer.pitch, 1)]
    return [(kind, address + y * buffer.pitch, buffer.width, buffer.channels, buffer.pixel, 1)
            for y in range(buffer.height)]


class _Writer:
    """Sections of an image, step by step."""

    def __init__(self, config):
        self._config, self.program, self.loads, self.rows = config, [], [], 0
        self._tiles, self._slots, self._sum_slots = [], [], []
        # By memory that is too small the operator that is the first to need more.
        self._short = {}
        # Of the first value that its field does not hold, the line that says so.
        self._beyond = None

    def add(self, step):
        """Append a step."""
        fields, channels = dict(step.fields), step.fields.get("channels", step.target.channels)
        fields |= {"channels": channels, "parameters": self._parameters(step), "sum_slot": self._sum_slot(step)}
        feeds = fields.get("flags", 0) & Flags.FEEDS
        fields |= self._tensor("target", step.target, step.first_result, step.target.channels if feeds else channels)
        if step.is_fed:
            fields |= {"source_height": step.target.height, "source_width": step.target.width}
        else:
            fields |= self._tensor("source", step.source, step.first_channel, fields["depth"])
        if step.is_turned:
            fields |= {"target_height": step.target.width, "target_width": step.target.height,
                       "target_pitch": fields["target_pixel"], "target_pixel": fields["target_pitch"]}
        if step.residual is not None:
            fields |= self._tensor("residual", step.residual, step.first_result, channels)
            del fields["residual_height"], fields["residual_width"]
            if step.is_turned:
                fields |= {"residual_pitch": fields["residual_pixel"], "residual_pixel": fields["residual_pitch"]}
        if step.parameters is not None:
            given = step.parameters
            fields |= {"rounding": given.rounding, "zero_point": given.zero_point, "low": given.low,
                       "high": given.high}
        if step.operation == Operation.DEPTHWISE:
            fields["weights"] = self.rows
            self._append(step.tiles[0])
        descriptor = Descriptor(operation=step.operation, **fields)
        if step.operation == Operation.CONV:
            descriptor = descriptor._replace(weights=len(self.loads))
            self._load(step, descriptor)
        self.append(descriptor, step.location)

    def append(self, descriptor, location):
        """Append a descriptor of an operator."""
        self.program.append(descriptor)
        if descriptor.beyond and self._beyond is None:
            name = descriptor.beyond[0]
            self._beyond = (f"{location} must have a {name} of at most {RANGES[name][1]} in its descriptor on an "
                            f"engine, not {getattr(descriptor, name)}")
        for name, count, most in self._room():
            if count > most:
                self._short.setdefault(name, location)

    def _room(self):
        """Of each memory its name, what is used, and what there is."""
        config = self._config
        rows = "memory outside" if config.weight_port else "tile_rows"
        return ((rows, self.rows, config.most_tile_rows),
                ("parameter_slots", len(self._slots), config.parameter_slots),
                ("program_length", len(self.program), config.program_length),
                ("load_entries", len(self.loads), config.load_entries))

    @staticmethod
    def _tensor(name, buffer, first, depth):
        """Fields of a buffer, of whose pixels only some bytes are used."""
        unused = buffer.channels - first - depth
        # A single row, which may be long, has none below it.
        pitch = buffer.pitch if buffer.height > 1 else 0
        return {name: buffer.address + first, f"{name}_limit": buffer.limit - unused, f"{name}_pitch": pitch,
                f"{name}_pixel": buffer.pixel, f"{name}_height": buffer.height, f"{name}_width": buffer.width}

    def _append(self, rows):
        self._tiles.append(rows)
        self.rows += len(rows)

    def _load(self, step, descriptor):
        """Its tiles, and a load for each pass."""
        parts, strips = len(descriptor.parts), len(descriptor.strips)
        firsts = []
        for tile in step.tiles:
            firsts.append(self.rows)
            self._append(tile)
        banks = self._config.macro.banks
        for block in range(len(descriptor.channel_blocks)):
            for _ in range(strips):
                for part in range(parts):
                    number = block * parts + part
                    first, rows = firsts[number], len(step.tiles[number])
                    before = self.loads[-banks] if len(self.loads) >= banks else None
                    keeps = before is not None and (before.first, before.rows) == (first, rows)
                    self.loads.append(Load(first, rows, keeps))

    def _sum_slot(self, step):
        """Its slot of the parameters of sums."""
        if step.sums is None:
            return 0
        slot = np.zeros(self._config.lanes, PARAMETER)
        for name in ("bias", "multiplier", "shift"):
            slot[name] = getattr(step.sums, name)
        same = [number for number, other in self._sum_slots if np.array_equal(slot, other)]
        if not same:
            self._sum_slots.append((len(self._slots), slot))
            self._slots.append(slot)
        return same[0] if same else len(self._slots) - 1

    def _parameters(self, step):
        """The first of its slots of parameters."""
        given, lanes = step.parameters, self._config.lanes
        first = len(self._slots)
        if given is not None:
            for start in range(0, len(given.bias), lanes):
                slot = np.zeros(lanes, PARAMETER)
                for name in ("bias", "multiplier", "shift"):
                    values = getattr(given, name)[start:start + lanes]
                    slot[name][:len(values)] = values
                self._slots.append(slot)
        return first

    def image(self, ports, states):
        """The `Image`, if there is room for it."""
        config = self._config
        for name, count, most in self._room():
            if count > most:
                raise NetworkError(f"{self._short.get(name, 'END')} must find room in the engine, whose {name} must be "
                                   f"at least {count} for this network, not {most}")
        if self._beyond:
            raise NetworkError(self._beyond)
        tiles = np.concatenate(self._tiles) if self._tiles else np.zeros((0, config.columns), np.int8)
        slots = np.array(self._slots, PARAMETER).reshape(-1, config.lanes)
        return Image(self.program, self.loads, tiles, slots, ports, states)
