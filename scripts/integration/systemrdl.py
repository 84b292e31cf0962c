"""The registers as SystemRDL, and from that by PeakRDL: HTML, IP-XACT, a C header."""

import re
import tempfile
from pathlib import Path

from ...hdl.csr.register_map import FORMER_NAMES, Access, ErrorCode, register_map

ADDRESS_MAP = "bitline_core"

# Software and hardware access of a field, in SystemRDL 2.0.
PROPERTIES = {
    Access.CONSTANT: "sw = r; hw = na;",
    Access.RO: "sw = r; hw = w;",
    Access.RW: "sw = rw; hw = r;",
    Access.SINGLEPULSE: "sw = w; hw = r; singlepulse;",
    Access.W1C: "sw = rw; hw = w; onwrite = woclr;",
    Access.W1S: "sw = rw; hw = r; onwrite = woset;",
    Access.WO: "sw = w; hw = r;",
}


# Keywords of SystemRDL; a name that is one has to be escaped.
KEYWORDS = ("signed", "unsigned", "longint", "accesswidth", "reset", "name", "string", "number", "bit")


class IntegrationError(Exception):
    """A package that writes integration files is missing."""


def systemrdl(config):
    """SystemRDL of a core's registers."""
    lines = ["enum error_code_e {"]
    lines += [f'    {code.name.lower()} = {code.value} {{ desc = "{code.meaning}"; }};' for code in ErrorCode]
    lines += ["};", "", f"addrmap {ADDRESS_MAP} {{", f'    name = "{config.name}";',
              '    desc = "Registers of a Bitline core. An address without a register, and an access that is refused, '
              'answers with an error.";',
              "    default regwidth = 32;", "    default accesswidth = 32;", "    addressing = regalign;"]
    for register in register_map(config):
        lines += ["", "    reg {", f'        name = "{register.name}";', f'        desc = "{_remarks(register)}";']
        for field in sorted(register.fields, key=lambda field: field.low):
            is_code = (register.name, field.name) == ("error", "code")
            lines += ["        field {", f'            desc = "{_bounds(field)}";',
                      f"            {PROPERTIES[field.access]}" + (" encode = error_code_e;" if is_code else ""),
                      f"        }} {_name(field.name)}[{field.low + field.bits - 1}:{field.low}] = {field.reset:#x};"]
        lines.append(f"    }} {_name(register.name)} @ {register.offset:#05x};")
    return "\n".join([*lines, "};", ""])


def _name(name):
    return f"\\{name}" if name in KEYWORDS else name


def _remarks(register):
    text = register.meaning
    if register.locks:
        text += " Writes are refused while the core is locked."
    if register.busy_lock:
        text += " Refused while it is in use."
    return text


def _bounds(field):
    if field.access is Access.RW and (field.minimum or field.max_value < (1 << field.bits) - 1):
        return f"{field.meaning} From {field.minimum} to {field.max_value}."
    return field.meaning


def _with_former_names(header):
    """The C header with the macros of renamed fields under their former names too."""
    before, end, after = header.rpartition("#endif")
    lines = ["/* Former names, for one release. */"]
    for former, name in FORMER_NAMES.items():
        former, name = (f"{ADDRESS_MAP}__{path.replace('.', '__')}".upper() for path in (former, name))
        lines += [f"#define {former}_{suffix} {name}_{suffix}"
                  for suffix in re.findall(rf"^#define {name}_(\w+)", header, re.MULTILINE)]
    return before + "\n".join([*lines, "", end]) + after


def exports(config):
    """Files by name, as bytes: the registers' SystemRDL, IP-XACT, C header and pages.

    Raises
    ------
    IntegrationError
        PeakRDL is not installed.
    """
    try:
        from peakrdl_cheader.exporter import CHeaderExporter
        from peakrdl_html import HTMLExporter
        from peakrdl_ipxact import IPXACTExporter
        from systemrdl import RDLCompiler
    except ImportError as error:
        raise IntegrationError(f"{error.name} not found: pip install -e '.[core]'") from None
    text = systemrdl(config)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / f"{ADDRESS_MAP}.rdl"
        source.write_text(text, encoding="utf-8")
        compiler = RDLCompiler()
        compiler.compile_file(str(source))
        top = compiler.elaborate().top
        HTMLExporter().export(top, str(folder / "registers"), title=f"Registers of {config.name}")
        # Registers differ from core to core, so the name of the component has the configuration's hash.
        IPXACTExporter(vendor="bitline.org", library="bitline", version=f"1.0_{config.hash}").export(
            top, str(folder / f"{ADDRESS_MAP}.xml"))
        CHeaderExporter().export(top, str(folder / f"{ADDRESS_MAP}_registers.h"), reuse_typedefs=False,
                                 explode_top=False, instantiate=False, generate_bitfields=False,
                                 testcase=False)
        header = folder / f"{ADDRESS_MAP}_registers.h"
        header.write_text(_with_former_names(header.read_text(encoding="utf-8")), encoding="utf-8")
        # Pages carry the time of their generation against stale browser caches; the configuration's hash does as well.
        index = folder / "registers" / "index.html"
        index.write_bytes(re.sub(rb"(BUILD_TS = |\?ts=)\d+", rb"\g<1>%d" % int(config.hash, 16), index.read_bytes()))
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
                if path.is_file()}
