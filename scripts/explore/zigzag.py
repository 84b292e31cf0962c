"""A macro, its measured costs and a network as ZigZag takes them, the architecture search of that name.

ZigZag's cycle is one multiply-accumulate of all cells. A macro takes one clock cycle for each plane of its inputs to do
as much, so a cycle there is ``input_bits`` clock cycles here. Whatever is outside of the macro is one memory without a
size, whose ports give what the macro's streams take, and cost nothing.
"""

import json
from dataclasses import dataclass

from ...host.mapping.mapping import Mapping

# Bits of a memory that is as large as it needs to be.
UNLIMITED = 10**12
ROWS, COLUMNS = "D2", "D1"
INPUTS, WEIGHTS, OUTPUTS = "I1", "I2", "O"
LINKS = {"O": OUTPUTS, "W": WEIGHTS, "I": INPUTS}
PACKED = "For cycles. Zeros of packed tiles are MACs here, so energies are too high: take them of workload.yaml."
EQUATION = "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]"


@dataclass(frozen=True)
class Costs:
    """Of one product of a macro: energy of a multiply-accumulate, pJ; area of a cell with its share of the macro.

    ``origin`` says in words where they are from.
    """

    energy: float
    area: float
    origin: str


def hardware(config, costs):
    """The accelerator: an array of rows times columns, the weights in it, and the outside.

    Parameters
    ----------
    config : MacroConfig
    costs : Costs
    """
    columns, width = config.columns // config.fuse, config.output_width(config.fuse)
    weight_bits, planes = config.weight_bits * config.fuse, config.input_bits
    streams = {INPUTS: config.rows * planes, WEIGHTS: columns * weight_bits * planes, OUTPUTS: columns * width}
    return {
        "name": config.name,
        "memories": {
            # A bank computes while another is written; one bank alone does one or the other.
            "weights": _memory(weight_bits * config.banks, [WEIGHTS], [
                _port("rw_port_1", weight_bits, f"{WEIGHTS}, fh", f"{WEIGHTS}, tl")] if config.banks == 1 else [
                _port("w_port_1", weight_bits, f"{WEIGHTS}, fh"), _port("r_port_1", weight_bits, f"{WEIGHTS}, tl")],
                [], force_double_buffering=config.banks > 1),
            "inputs": _memory(2 * planes, [INPUTS], [
                _port("w_port_1", planes, f"{INPUTS}, fh"), _port("r_port_1", planes, f"{INPUTS}, tl")], [COLUMNS],
                force_double_buffering=True),
            "results": _memory(width, [OUTPUTS], [
                _port("w_port_1", width, f"{OUTPUTS}, fh"), _port("r_port_1", width, f"{OUTPUTS}, tl"),
                _port("w_port_2", width, f"{OUTPUTS}, fl"), _port("r_port_2", width, f"{OUTPUTS}, th")], [ROWS]),
            # What the host adds up comes back as fast as it went out.
            "outside": _memory(UNLIMITED, [INPUTS, WEIGHTS, OUTPUTS], [
                _port("r_port_1", streams[INPUTS], f"{INPUTS}, tl"),
                _port("r_port_2", streams[WEIGHTS], f"{WEIGHTS}, tl"),
                _port("r_port_3", streams[OUTPUTS], f"{OUTPUTS}, tl"),
                _port("w_port_1", streams[OUTPUTS], f"{OUTPUTS}, fl")], [COLUMNS, ROWS]),
        },
        "operational_array": {
            "input_precision": [planes, weight_bits], "unit_energy": costs.energy, "unit_area": costs.area,
            "dimensions": [COLUMNS, ROWS], "sizes": [columns, config.rows],
        },
    }


def _memory(size, operands, ports, dimensions, **more):
    return {"size": size, "r_cost": 0.0, "w_cost": 0.0, "area": 0.0, "latency": 1, "operands": operands,
            "ports": ports, "served_dimensions": dimensions, **more}


def _port(name, bits, *allocation):
    kind = {"r": "read", "w": "write", "rw": "read_write"}[name.partition("_")[0]]
    return {"name": name, "type": kind, "bandwidth_min": bits, "bandwidth_max": bits, "allocation": list(allocation)}


def mapping():
    """Output channels at the columns, and what is summed at the rows, as the macro has them."""
    return [{"name": "default", "spatial_mapping_hint": {COLUMNS: ["K"], ROWS: ["C", "FX", "FY"]},
             "memory_operand_links": LINKS}]


def workload(config, network):
    """The layers of a network that have weights, as loops, in a chain, as they run one after another."""
    layers = []
    for number, operator in enumerate(network.matrix_operators):
        conv = operator.convolution(network.tensors)
        _, height, width, _ = conv.kernel.shape
        sizes = {"B": conv.images, "G": conv.groups, "K": conv.outputs, "C": conv.depth, "OY": conv.image[0],
                 "OX": conv.image[1], "FY": height, "FX": width}
        layers.append(_layer(config, number, operator, sizes, conv.stride, conv.dilation))
    return layers


def packed_workload(config, network):
    """The same as this project packs it: a layer is tiles of a block-Toeplitz matrix, which are groups, and vectors.

    These are its cycles and not its energy: the zeros of such a matrix are multiply-accumulates there.

    Parameters
    ----------
    config : MacroConfig
    network : Network

    Raises
    ------
    ValueError
        The macro cannot compute a layer.
    """
    layers = []
    for number, layer in enumerate(Mapping(config, network).layers):
        packing, wholes = layer.packing, {(tile.group, tile.output) for tile in layer.slices}
        rows = sum(tile.rows for tile in layer.slices if (tile.group, tile.output) == (0, 0))
        sizes = {"B": 1, "G": len(wholes), "K": packing.groups * packing.outputs * packing.height * packing.width,
                 "C": rows, "OY": layer.vectors(1), "OX": 1, "FY": 1, "FX": 1}
        layers.append(_layer(config, number, layer.operator, sizes))
    return layers


def _layer(config, number, operator, sizes, stride=(1, 1), dilation=(1, 1)):
    width = config.output_width(config.fuse)
    return {
        "id": number, "name": operator.location, "operator_type": "Conv", "equation": EQUATION,
        "dimension_relations": [f"i{axis}={stride[index]}*o{axis}+{dilation[index]}*f{axis}"
                                for index, axis in enumerate("yx")],
        "loop_dims": list(sizes), "loop_sizes": list(sizes.values()),
        "operand_precision": {"W": config.weight_bits * config.fuse, "I": config.input_bits, "O": width,
                              "O_final": width},
        "operand_source": {"W": number, "I": max(0, number - 1)},
    }


def files(config, costs, network):
    """``hardware.yaml``, ``mapping.yaml``, ``workload.yaml`` and ``workload_packed.yaml``, by name."""
    return {"hardware.yaml": f"# Costs of a product: {costs.origin}\n{text(hardware(config, costs))}",
            "mapping.yaml": text(mapping()), "workload.yaml": text(workload(config, network)),
            "workload_packed.yaml": f"# {PACKED}\n{text(packed_workload(config, network))}"}


def text(value):
    """A value as YAML: dictionaries and lists in blocks, everything else as in JSON, which is YAML as well."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value):
    if isinstance(value, dict) and value:
        for key, each in value.items():
            nested = list(_lines(each))
            is_block = isinstance(each, (dict, list)) and each and not _is_flat(each)
            yield f"{key}:" if is_block else f"{key}: {nested[0]}"
            yield from (f"  {line}" for line in (nested if is_block else []))
    elif isinstance(value, list) and value and not _is_flat(value):
        for each in value:
            first, *rest = _lines(each)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    elif isinstance(value, float):
        # A number such as 1e-05 is text to some readers of YAML.
        yield f"{value:.9f}"
    else:
        yield json.dumps(value)


def _is_flat(value):
    """Whether a list has no lists or dictionaries."""
    return isinstance(value, list) and not any(isinstance(each, (dict, list)) for each in value)
