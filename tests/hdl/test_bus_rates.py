# amaranth: UnusedElaboratable=no
"""How often AXI4-Lite gets to the registers, and when it answers."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.csr.axi_lite import AxiLite
from bitline.hdl.csr.register_file import RegisterFile
from bitline.hdl.csr.register_map import register_map


class Registers(wiring.Component):
    """A register file behind AXI4-Lite."""

    def __init__(self):
        self.front, self.file = AxiLite(), RegisterFile(
            registers=register_map(CoreConfig(macro=MacroConfig(rows=4, columns=4))))
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.front, m.submodules.file = self.front, self.file
        wiring.connect(m, self.front.bus, self.file.bus)
        return m


def transfers(reads, writes):
    """Cycles of transfers on each channel of a master that never waits."""
    dut, seen = Registers(), {"aw": [], "b": [], "ar": [], "r": []}

    async def master(ctx):
        front = dut.front
        for name in ("awvalid", "wvalid"):
            ctx.set(getattr(front, name), writes)
        ctx.set(front.arvalid, reads)
        ctx.set(front.bready, 1)
        ctx.set(front.rready, 1)
        for cycle in range(100):
            for name, cycles in seen.items():
                if ctx.get(getattr(front, f"{name}valid") & getattr(front, f"{name}ready")):
                    cycles.append(cycle)
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(master)
    simulator.run()
    return seen


def between(starts, ends):
    return {end - start for start, end in zip(starts, ends)}


@pytest.mark.parametrize("request_, answer, wants", [("ar", "r", (1, 0)), ("aw", "b", (0, 1))])
def test_axi_lite_alone(request_, answer, wants):
    seen = transfers(*wants)
    assert between(seen[answer], seen[answer][1:]) == {6} and between(seen[request_], seen[answer]) == {5}


def test_axi_lite_of_reads_and_writes_all_the_time():
    seen = transfers(1, 1)
    assert between(seen["r"], seen["r"][1:]) == between(seen["b"], seen["b"][1:]) == {8}
    # The first write goes before the first read; later each waits for the rest of one of the others.
    assert between(seen["aw"], seen["b"]) == {5, 7} and between(seen["ar"], seen["r"]) == {9, 7}
