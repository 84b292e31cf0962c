import json
import subprocess
import sys
from pathlib import Path

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.scripts.integration.files import integration_files
from bitline.verif.engine.small_engines import OUTSIDE, TINY
from some import some

CONFIG = CoreConfig(macro=MacroConfig(rows=3, columns=2), checksum=True)
# In a process of its own, as LiteX warns of much and prints more.
SOC = """
import json, sys, types
from migen import ClockDomain
from litex.build.generic_platform import Pins
from litex.build.sim import SimPlatform
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCCore
from litex.soc.interconnect import wishbone
from NAME_litex import BitlineCore

platform = SimPlatform("SIM", [("sys_clk", 0, Pins(1))])
soc = SoCCore(platform, int(1e6), cpu_type=None, bus_standard=sys.argv[1], with_uart=False, with_timer=False)
soc.crg = types.SimpleNamespace()
soc.clock_domains.cd_sys = ClockDomain("sys")
soc.bus.add_master("processor", wishbone.Interface(data_width=32, adr_width=30, addressing="word"))
soc.bitline = BitlineCore(platform, folder="bitline")
soc.bus.add_slave("bitline", soc.bitline.bus, SoCRegion(origin=0x40000000, size=0x1000, cached=False))
if hasattr(soc.bitline, "dma"):
    soc.bus.add_master("bitline", soc.bitline.dma)
elif hasattr(soc.bitline, "vectors"):
    soc.bitline.add_dma(soc.bus)
soc.finalize()
registers = [register.name for register in soc.csr.regions["bitline"].obj]
sources = [str(source[0]) for source in platform.sources]
print("\\n" + json.dumps([registers, str(platform.get_verilog(soc)), sources]))
"""


STREAMS = ("s_axis_tdata", "s_axis_w_tkeep", "m_axis_tuser")
DMA = CoreConfig(macro=CONFIG.macro, dma=32, input_stream_bits=32, weight_stream_bits=32, output_stream_bits=32)
ENGINE, WIDE_ENGINE = (EngineCoreConfig(engine=OUTSIDE[port]) for port in (4, 64))


@pytest.mark.parametrize("config, ports, bus", some([
    (CONFIG, STREAMS, "wishbone"), (CONFIG, STREAMS, "axi-lite"),
    (DMA, ("m_axi_araddr", "m_axi_rid", "m_axi_wlast", "m_axi_bready"), "wishbone"),
    *((engine, ("m_axi_araddr", "m_axi_rid", "m_axi_rready"), bus)
      for engine, bus in ((ENGINE, "wishbone"), (ENGINE, "axi-lite"), (WIDE_ENGINE, "wishbone"))),
    (EngineCoreConfig(engine=TINY), (), "wishbone"),
], 0, 3))
def test_wrapper_builds_in_a_soc(config, ports, bus, tmp_path):
    name = f"{config.name}_litex.py"
    (tmp_path / name).write_text(integration_files(config)[name], encoding="utf-8")
    (tmp_path / "soc.py").write_text(SOC.replace("NAME", config.name), encoding="utf-8")
    done = subprocess.run([sys.executable, "soc.py", bus], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    registers, verilog, sources = json.loads(done.stdout.splitlines()[-1])
    # The interrupt's enable can be reached, or it never comes.
    engines = ("vectors", "weights", "results") if "s_axis_tdata" in ports else ()
    assert set(registers) == {"ev_status", "ev_pending", "ev_enable"} | {
        f"{engine}_dma_{name}" for engine in engines for name in ("base", "length", "enable", "done", "loop", "offset")}
    assert f"{config.name} {config.name}" in verilog
    assert [Path(source).name for source in sources] == [f"{config.name}.v", f"{config.name}_memory.v"]
    for port in ("s_axi_araddr", *ports, "irq"):
        assert f".{port}" in " ".join(verilog.split())
