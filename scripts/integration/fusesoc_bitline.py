"""FuseSoC's generator of Bitline cores. Its parameters are the configuration of a core of any kind, as NAME.json has
it, and the fabric whose cells the Verilog may have, if it is not `generic`.

SPDX-License-Identifier: Apache-2.0
"""

import sys
from pathlib import Path

import yaml
from bitline.hdl.config import CoreConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.emit import FABRICS
from bitline.scripts.integration.files import fusesoc_files

job = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
parameters = job.get("parameters")
if not isinstance(parameters, dict):
    sys.exit(f"bitline: parameters must be the configuration of a core, not {parameters}")
fabric = parameters.pop("fabric", "generic")
if fabric not in list(FABRICS):
    sys.exit(f"bitline: fabric must be one of {', '.join(FABRICS)}, not {fabric}")
kind = BlockCoreConfig if "blocks" in parameters else EngineCoreConfig if "engine" in parameters else CoreConfig
try:
    files = fusesoc_files(kind.from_dict(parameters), fabric, job["vlnv"])
except (TypeError, ValueError) as error:
    sys.exit(f"bitline: {error}")
for name, content in files.items():
    Path(name).write_text(content, encoding="utf-8")
