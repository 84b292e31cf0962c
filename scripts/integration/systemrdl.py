"""The registers as SystemRDL, and from that by PeakRDL their pages."""

import re
import tempfile
from pathlib import Path

from ...hdl.csr.register_map import Access, ErrorCode
from .interfaces import package

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


class IntegrationError(Exception):
    """A package that writes integration files is missing."""


def systemrdl(config):
    """SystemRDL of the registers of a core or engine: an address map of the module's name, which holds all that it
    declares."""
    part = package(config)
    lines = [f"addrmap {part.name} {{", "    enum error_code_e {"]
    lines += [f'        {code.name.lower()} = {code.value} {{ desc = "{code.meaning}"; }};' for code in ErrorCode]
    lines += ["    };", "", f'    name = "{part.name}";', f'    desc = "{part.registers_meaning}";',
              "    default regwidth = 32;", "    default accesswidth = 32;", "    addressing = regalign;"]
    for register in part.registers:
        lines += ["", "    reg {", f'        name = "{register.name}";', f'        desc = "{remarks(register)}";']
        for field in sorted(register.fields, key=lambda field: field.low):
            encoding = " encode = error_code_e;" if is_error_code(register, field) else ""
            lines += ["        field {", f'            desc = "{bounds(field)}";',
                      f"            {PROPERTIES[field.access]}{encoding}",
                      f"        }} {field.name}[{field.low + field.bits - 1}:{field.low}] = {field.reset:#x};"]
        lines.append(f"    }} {register.name} @ {register.offset:#05x};")
    return "\n".join([*lines, "};", ""])


def is_error_code(register, field):
    """The values of a field are those of `ErrorCode`."""
    return (register.name, field.name) == ("error", "code")


def remarks(register):
    """The meaning of a register, and when writes are refused."""
    text = register.meaning
    if register.locks:
        text += " Writes are refused while the core is locked."
    if register.busy_lock:
        text += " Refused while it is in use."
    return text


def bounds(field):
    """The meaning of a field, and the values that it takes."""
    if is_bounded(field):
        return f"{field.meaning} From {field.minimum} to {field.max_value}."
    return field.meaning


def is_bounded(field):
    """Some values of a field are refused."""
    return field.access is Access.RW and bool(field.minimum or field.max_value < (1 << field.bits) - 1)


def pages(config):
    """The registers' pages, as bytes by name of the file.

    Raises
    ------
    IntegrationError
        PeakRDL is not installed.
    """
    try:
        from peakrdl_html import HTMLExporter
        from systemrdl import RDLCompiler
    except ImportError as error:
        raise IntegrationError(f"{error.name} not found: pip install -e '.[core]'") from None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / f"{config.name}.rdl"
        source.write_text(systemrdl(config), encoding="utf-8")
        compiler = RDLCompiler()
        compiler.compile_file(str(source))
        HTMLExporter().export(compiler.elaborate().top, str(folder / "registers"), title=f"Registers of {config.name}")
        source.unlink()
        # Pages carry the time of their generation against stale browser caches; the configuration's hash does as well.
        index = folder / "registers" / "index.html"
        index.write_bytes(re.sub(rb"(BUILD_TS = |\?ts=)\d+", rb"\g<1>%d" % int(config.hash, 16), index.read_bytes()))
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
                if path.is_file()}
