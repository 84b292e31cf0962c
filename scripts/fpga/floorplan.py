"""A floorplan for nearly full devices: the block RAMs of a block of columns get neighboring sites.

Otherwise the placer spreads them over the device, and their adders with them.
"""

import json
import re
from collections import defaultdict

# Names of the block RAM sites of a device as nextpnr has them, row by row, each from left to right.
SITES = {
    "LFE5U-85F": [[f"X{first + 2 * index}/Y{row}/EBR{index}"
                   for first in (4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114) for index in range(4)]
                  for row in (22, 46, 70, 82)],
}
BLOCK_RAM = {"DP16KD", "PDPW16KD"}


def place_block_rams(path, device):
    """Give the block RAMs of each block of columns neighboring sites, in a JSON netlist, in place.

    Blocks fill the rows of sites evenly; block RAMs of anything else take what is left between them. Nothing is done
    for a device whose sites are not known, or where a row would have to be shared by more blocks than it holds.

    Parameters
    ----------
    path : Path
    device : str

    Returns
    -------
    int
        Block RAMs with a site.
    """
    design = json.loads(path.read_text(encoding="utf-8"))
    rows = SITES.get(device, [])
    placed = 0
    for module in design["modules"].values():
        blocks = defaultdict(list)
        for name, cell in module["cells"].items():
            block = re.match(r"(.*\bblock_(\d+))\.", name)
            if cell["type"] in BLOCK_RAM and block:
                blocks[int(block[2])].append((name, cell))
        placed += _place_blocks([blocks[index] for index in sorted(blocks)], rows)
    path.write_text(json.dumps(design), encoding="utf-8")
    return placed


def _place_blocks(blocks, rows):
    """Deal blocks of cells to rows of sites, as many to each, the gaps between them equal; returns how many cells."""
    if not blocks or not rows:
        return 0
    share = -(-len(blocks) // len(rows))
    size = max(len(cells) for cells in blocks)
    if share * size > len(rows[0]):
        return 0
    for index, cells in enumerate(blocks):
        row, position = divmod(index, share)
        first = position * (len(rows[0]) - size) // max(1, share - 1)
        for site, (_, cell) in zip(rows[row][first:], sorted(cells, key=_number)):
            cell["attributes"]["BEL"] = site
    return sum(len(cells) for cells in blocks)


def _number(named):
    """Numbers in a name, so that table 10 is after table 9."""
    return [int(number) for number in re.findall(r"\d+", named[0])]
