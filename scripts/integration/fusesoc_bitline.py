"""FuseSoC's generator of Bitline cores. Its parameters are a core's configuration, as NAME.json has it, and the fabric
whose cells the Verilog may have, if it is not `generic`.

SPDX-License-Identifier: Apache-2.0
"""

import sys
from pathlib import Path

import yaml
from bitline.hdl.config import CoreConfig
from bitline.hdl.emit import FABRICS, emit_files
from bitline.scripts.integration.cell_models import cell_models
from bitline.scripts.integration.files import HERE, constraints, fusesoc
from bitline.scripts.integration.simulation import testbench_files

job = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
fabric = job["parameters"].pop("fabric", "generic")
if fabric not in FABRICS:
    sys.exit(f"bitline: fabric must be one of {', '.join(FABRICS)}, not {fabric}")
try:
    config = CoreConfig.from_dict(job["parameters"])
except (TypeError, ValueError) as error:
    sys.exit(f"bitline: {error}")
verilog, models = emit_files(config, fabric), cell_models(fabric)
files = {**verilog, **models, **testbench_files(config), f"{config.name}.sdc": constraints(config),
         "find_verilator.sh": (HERE / "find_verilator.sh").read_text(encoding="utf-8"),
         f"{config.name}.core": fusesoc(config, verilog, vlnv=job["vlnv"], models=models)}
for name, content in files.items():
    Path(name).write_text(content, encoding="utf-8")
