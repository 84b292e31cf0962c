"""The form of emitted Verilog, made of what Yosys writes."""

import re
import textwrap

# As Yosys writes them: a module with the names of its ports, and two declarations of each port.
YOSYS_MODULE = re.compile(r"^module (\w+)\(([^)]*)\);\n(.*?)^endmodule\n", re.MULTILINE | re.DOTALL)
YOSYS_PORT = re.compile(r"^  (input|output) ([^;\n]*?(\w+));\n  (wire|reg) \2( = [^;\n]*)?;\n", re.MULTILINE)
# Lines of files are no longer than this, but for those with comments or attributes; what follows begins like this.
MAX_LINE = 120
CONTINUED = 12 * " "
LONG_CONSTANT = re.compile(r"\b(\d+)'h([0-9a-fxz]{33,})\b")


def tidied(text, summaries, without, meanings):
    """Verilog from Yosys, cleaned up.

    Parameters
    ----------
    text : str
    summaries : dict of str to str
        Comment before each module.
    without : str
        Comment before all other modules.
    meanings : dict of str to dict of str to str
        As of `from_yosys`.
    """
    return re.sub(r"^module (\w+)", lambda match: f"// {summaries.get(match[1], without)}\n{match[0]}",
                  from_yosys(text, meanings), flags=re.MULTILINE)


def from_yosys(text, meanings=None):
    """Verilog from Yosys without its comment, with plain names, and with ports declared in the heads of modules.

    Parameters
    ----------
    text : str
    meanings : dict of str to dict of str to str
        Comments of ports, by module and port.
    """
    def rewritten(match):
        name, names, body = match.groups()
        return _module(name, names, body, (meanings or {}).get(name, {}))

    return YOSYS_MODULE.sub(rewritten, without_escapes(text[text.index("module "):]))


def _module(name, names, body, meanings):
    """A module with a port a line: clock and reset, then the first input, which Amaranth puts last, then the others."""
    declared = {}

    def declare(match):
        direction, shape_and_name, port, kind, initial = match.groups()
        declared[port] = f"{direction} {kind} {shape_and_name}{initial or ''}"
        return ""

    body = YOSYS_PORT.sub(declare, body)
    names = [port.strip() for port in names.split(",") if port.strip()]
    names = [*names[-1:], *names[:-1]]
    domain = [port for port in ("clk", "rst") if port in names]
    names = domain + [port for port in names if port not in domain]
    lines = ""
    for port in names:
        # A keyword has got an underscore.
        meaning = meanings.get(port) or meanings.get(port.removesuffix("_"))
        comment = f"  // {meaning}" if meaning else ""
        lines += f"  {declared[port]}{',' if port != names[-1] else ''}{comment}\n"
    return f"module {name} (\n{lines});\n{body}endmodule\n"


def wrapped(text):
    """A file's text with long lines broken, as `Design` reads it; lines with comments or attributes stay."""
    return "\n".join(_broken(line) if len(line) > MAX_LINE else line for line in text.split("\n"))


def _broken(line):
    if "//" in line or "(*" in line:
        return line
    line = LONG_CONSTANT.sub(_pieces, line)
    return "\n".join(textwrap.wrap(line, MAX_LINE, subsequent_indent=CONTINUED, break_long_words=False,
                                   break_on_hyphens=False))


def _pieces(constant):
    """A hexadecimal constant as pieces of at most 128 bits."""
    bits, digits = int(constant[1]), constant[2]
    pieces = []
    while digits:
        pieces.append(f"{min(bits, 128)}'h{digits[-32:]}")
        bits, digits = bits - 128, digits[:-32]
    return f"{{ {', '.join(reversed(pieces))} }}"


def without_escapes(text):
    """Replace names that must be escaped in Verilog, such as ``sum$3``, ``x[3]`` and keywords, by plain ones."""
    plain = {}
    escaped = set(re.findall(r"\\(\S+) ", text))
    taken = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\\\S+ ", "", text))) | escaped
    for name in sorted(escaped):
        candidate = re.sub(r"_?\W+", "_", name).strip("_")
        if candidate[:1].isdigit():
            candidate = f"n{candidate}"
        while candidate in taken:
            candidate += "_"
        taken.add(candidate)
        plain[name] = candidate
    return re.sub(r"\\(\S+) ", lambda match: plain[match[1]], text)
