"""FuseSoC's generator of Bitline cores. Its parameters are a core's configuration, as NAME.json has it.

SPDX-License-Identifier: Apache-2.0
"""

import sys
from pathlib import Path

import yaml
from bitline.hdl.config import CoreConfig
from bitline.hdl.emit import emit_files
from bitline.scripts.integration.files import HERE, constraints, fusesoc
from bitline.scripts.integration.simulation import testbench_files

job = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
try:
    config = CoreConfig.from_dict(job["parameters"])
except (TypeError, ValueError) as error:
    sys.exit(f"bitline: {error}")
verilog = emit_files(config)
files = {**verilog, **testbench_files(config), f"{config.name}.sdc": constraints(config),
         "find_verilator.sh": (HERE / "find_verilator.sh").read_text(encoding="utf-8"),
         f"{config.name}.core": fusesoc(config, verilog, vlnv=job["vlnv"])}
for name, content in files.items():
    Path(name).write_text(content, encoding="utf-8")
