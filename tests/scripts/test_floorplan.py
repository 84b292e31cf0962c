import json
import re

import pytest
from bitline.scripts.fpga.floorplan import SITES, place_block_rams

DEVICE = "LFE5U-85F"


def netlist(tmp_path, blocks, each):
    """A netlist with block RAMs in blocks, and others."""
    names = [f"macro.block_{block}.columns.table_{table}.cells_0_0" for block in range(blocks) for table in range(each)]
    cells = {name: {"type": "PDPW16KD", "attributes": {}} for name in (*names, "macro.block_ram_writer.rows.cells_0_0")}
    cells["macro.block_0.columns.level1_0"] = {"type": "CCU2C", "attributes": {}}
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    return path, names


def sites(path):
    """Column and row of each cell that has got a site."""
    cells = json.loads(path.read_text())["modules"]["top"]["cells"]
    found = {name: cell["attributes"]["BEL"] for name, cell in cells.items() if "BEL" in cell["attributes"]}
    return {name: tuple(map(int, re.fullmatch(r"X(\d+)/Y(\d+)/EBR\d", site).groups())) for name, site in found.items()}


def test_block_rams_of_a_block_are_neighbors(tmp_path):
    path, names = netlist(tmp_path, 12, 15)
    assert place_block_rams(path, DEVICE) == 180
    found = sites(path)
    assert found.keys() == set(names) and len(set(found.values())) == 180
    for block in range(12):
        own = [found[f"macro.block_{block}.columns.table_{table}.cells_0_0"] for table in range(15)]
        assert len({row for _, row in own}) == 1 and own == sorted(own)
        row = [int(re.match(r"X(\d+)", site)[1]) for site in next(row for row in SITES[DEVICE]
                                                                  if f"/Y{own[0][1]}/" in row[0])]
        first = row.index(own[0][0])
        assert [column for column, _ in own] == row[first:first + 15]


@pytest.mark.parametrize(("blocks", "each", "device"), [(12, 15, "iCE40HX8K"), (0, 0, DEVICE), (13, 15, DEVICE)])
def test_what_has_no_place_is_left_to_the_placer(blocks, each, device, tmp_path):
    path, _ = netlist(tmp_path, blocks, each)
    before = json.loads(path.read_text())
    assert place_block_rams(path, device) == 0
    assert json.loads(path.read_text()) == before


def test_there_are_as_many_sites_as_block_rams():
    assert len({site for row in SITES[DEVICE] for site in row}) == 208
