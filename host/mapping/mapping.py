"""Mapping: which tile of a network sits in which bank of a macro."""

from dataclasses import dataclass

from .packing import PackedLayer, TileSlice

# Limits of one layer, for all inputs of a run: rows written plus vectors, and elements of all patches.
MAX_STEPS, MAX_PATCH_ELEMENTS = 1 << 19, 1 << 25


@dataclass(frozen=True)
class ScheduledTile:
    """A tile of a network: the index of its layer, its slice of the layer, its bank, and whether it stays there."""

    layer: int
    slice: TileSlice
    bank: int
    resident: bool


class Mapping:
    """A network on a macro.

    Tiles are computed in the order of the layers. If all of them fit into the banks, each is written once. Otherwise
    two banks are double-buffered, across layers too: one computes while the other is written. Each further bank keeps
    one tile for the whole run: the tiles whose loading the computation would hide least.

    Parameters
    ----------
    config : MacroConfig
    network : Network
    runs : int
        Inputs of one run; packings are chosen for this number.

    Attributes
    ----------
    layers : list of PackedLayer
        One for each of ``network.matrix_operators``.
    tiles : list of ScheduledTile

    Raises
    ------
    ValueError
        The macro cannot compute a layer; the message names it.
    """

    def __init__(self, config, network, runs=1):
        self.config, self.network, self.runs = config, network, runs
        self.layers = []
        for operator in network.matrix_operators:
            try:
                layer = PackedLayer(config, network, operator, runs)
                steps, patches = layer.steps(runs)
                if steps > MAX_STEPS or patches > MAX_PATCH_ELEMENTS:
                    raise ValueError(f"a layer must take at most {MAX_STEPS} rows and vectors, and "
                                     f"{MAX_PATCH_ELEMENTS} elements of patches, for the {runs} inputs that run "
                                     f"together, not {steps} and {patches}: fewer may run together, or none on a macro "
                                     "(--batch, --backend numpy)")
                self.layers.append(layer)
            except ValueError as error:
                raise ValueError(f"{operator.location}: {error}") from None
        self.tiles = list(self._schedule())

    def _schedule(self):
        slices = [(index, tile_slice) for index, layer in enumerate(self.layers) for tile_slice in layer.slices]
        banks = self.config.banks
        turning = min(banks, 2) if len(slices) > banks else 0
        exposed = sorted(range(len(slices)), key=lambda number: self._exposed(*slices[number]), reverse=True)
        residents = set(exposed[:banks - turning])
        turn, next_bank = 0, turning
        for number, (index, tile_slice) in enumerate(slices):
            if number in residents:
                yield ScheduledTile(index, tile_slice, next_bank, True)
                next_bank += 1
            else:
                yield ScheduledTile(index, tile_slice, turn % turning, False)
                turn += 1

    def _exposed(self, index, tile_slice):
        """Cycles of a tile's load that its own computation cannot hide."""
        layer = self.layers[index]
        return tile_slice.rows - layer.vectors(self.runs) * sum(input_slice.bits for input_slice in layer.input_slices)
