"""Mapping: which tile of a network sits in which bank of a macro."""

from dataclasses import dataclass

from .packing import Cut, PackedLayer

# Of one layer and the inputs that run together: rows and vectors that the macro is given, elements of all patches.
MOST_STEPS, MOST_PATCHES = 1 << 19, 1 << 25


@dataclass(frozen=True)
class PlacedTile:
    """A tile of a network: number of its layer, what of the layer it holds, its bank, and whether it stays for good."""

    layer: int
    cut: Cut
    bank: int
    resident: bool


class Mapping:
    """A network on a macro.

    Tiles are computed in the order of the layers. If the banks hold all of them, each is written once. Otherwise two
    banks take turns, one computing while the other is written, also from the end of a layer to the beginning of the
    next; what banks there are beyond the two hold for good the tiles that would be waited for longest.

    Parameters
    ----------
    config : MacroConfig
    network : Network
    runs : int
        Inputs to be run together, for which packings are chosen.

    Attributes
    ----------
    layers : list of PackedLayer
        One for each of ``network.matrix_operators``.
    tiles : list of PlacedTile

    Raises
    ------
    ValueError
        A layer that the macro cannot compute, named.
    """

    def __init__(self, config, network, runs=1):
        self.config, self.network, self.runs = config, network, runs
        self.layers = []
        for operator in network.matrix_operators:
            try:
                layer = PackedLayer(config, network, operator, runs)
                steps, patches = layer.steps(runs)
                if steps > MOST_STEPS or patches > MOST_PATCHES:
                    raise ValueError(f"a layer must take at most {MOST_STEPS} rows and vectors, and {MOST_PATCHES} "
                                     f"elements of patches, for the {runs} inputs that run together, not {steps} and "
                                     f"{patches}")
                self.layers.append(layer)
            except ValueError as error:
                raise ValueError(f"{operator.place}: {error}") from None
        self.tiles = list(self._place())

    def _place(self):
        cuts = [(index, cut) for index, layer in enumerate(self.layers) for cut in layer.cuts]
        banks = self.config.banks
        turning = min(banks, 2) if len(cuts) > banks else 0
        exposed = sorted(range(len(cuts)), key=lambda number: self._exposed(*cuts[number]), reverse=True)
        residents = set(exposed[:banks - turning])
        turn, next_bank = 0, turning
        for number, (index, cut) in enumerate(cuts):
            if number in residents:
                yield PlacedTile(index, cut, next_bank, True)
                next_bank += 1
            else:
                yield PlacedTile(index, cut, turn % turning, False)
                turn += 1

    def _exposed(self, index, cut):
        """Cycles of a tile's load that its own computation could not hide."""
        layer = self.layers[index]
        return cut.rows - layer.vectors(self.runs) * sum(digit.bits for digit in layer.digits)
