"""Descriptions of peers, designs of others that are measured beside the arrays: one TOML file each."""

import math
import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path

from ..common import markdown
from ..common.files import BadInput

FRONTENDS = ("verilog", "slang")
# What no word in a script of Yosys may hold.
UNSAFE = set(' "\\;#')


def _is_line(value):
    return isinstance(value, str) and value.strip() != "" and value.isprintable()


def _is_name(value):
    return isinstance(value, str) and value.isascii() and value.replace("$", "_").isidentifier()


def _is_list(value, check):
    return isinstance(value, list) and all(map(check, value))


def _is_integer(value, minimum, maximum=math.inf):
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum


def _is_rate(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and 1e-6 <= value <= 1e6


def _is_word(value):
    return _is_integer(value, -math.inf) or (isinstance(value, str) and value.isprintable() and not UNSAFE & set(value))


def _is_table(value, check):
    return isinstance(value, dict) and all(_is_name(name) and check(setting) for name, setting in value.items())


# What a value must be, by the words for it.
RULES = {
    "a line of text": _is_line,
    "a name": _is_name,
    "a name or a list of names": lambda value: _is_name(value) or (_is_list(value, _is_name) and value != []),
    "a list of paths": lambda value: _is_list(value, _is_line) and value != [],
    "a list of paths, or empty": lambda value: _is_list(value, _is_line),
    "a table of integers and words": lambda value: _is_table(value, _is_word),
    "a table of integers from 0 on": lambda value: _is_table(value, lambda setting: _is_integer(setting, 0)),
    "a number from 0.000001 to 1000000": _is_rate,
    "an integer from 1 to 64": lambda value: _is_integer(value, 1, 64),
    "true or false": lambda value: isinstance(value, bool),
    " or ".join(FRONTENDS): lambda value: value in FRONTENDS,
    "text": lambda value: isinstance(value, str),
}


def key(rule, meaning, default=""):
    """What a document says of a key, and its rule."""
    return {"rule": rule, "meaning": meaning, "default": default}


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A peer as its file describes it, and its files.

    Each field is a key of the file; `read_peer` makes paths of those that ``sources`` and ``include`` say.
    """

    name: str = field(metadata=key("a line of text", "What the tables call it."))
    repository: str = field(metadata=key("a line of text", "Where it is published."))
    commit: str = field(metadata=key("a line of text", "The commit that was fetched."))
    license: str = field(metadata=key("a line of text", "Its license."))
    top: str = field(metadata=key("a name", "The module to measure."))
    clock: str | list = field(metadata=key("a name or a list of names", "Its clock; of several, all get the same."))
    sources: list = field(metadata=key(
        "a list of paths", "Its files in their order, relative to this file; `*` and `**` as in a shell."))
    include: list = field(default=(), metadata=key("a list of paths, or empty", "Folders of included files.", "none"))
    defines: dict = field(default=None, metadata=key(
        "a table of integers and words", "Macros of the preprocessor.", "none"))
    parameters: dict = field(default=None, metadata=key(
        "a table of integers from 0 on", "Parameters of the module.", "its own"))
    macs_per_cycle: float = field(metadata=key(
        "a number from 0.000001 to 1000000", "Multiply-accumulates per cycle; below 1 if one takes several."))
    input_bits: int = field(default=8, metadata=key("an integer from 1 to 64", "Bits of an input in a MAC.", "8"))
    weight_bits: int = field(default=8, metadata=key("an integer from 1 to 64", "Bits of a weight in a MAC.", "8"))
    dsp: bool = field(default=False, metadata=key(
        "true or false", "Whether it may have DSPs; else its multipliers are made of LUTs.", "false"))
    frontend: str = field(default="verilog", metadata=key(
        " or ".join(FRONTENDS), "What reads the files: `read_verilog -sv` of Yosys, or its `read_slang`, which knows "
        "more of SystemVerilog.", "verilog"))
    note: str = field(default="", metadata=key(
        "text", "What must be known to compare it: what is not counted, what it does differently.", "none"))

    @property
    def clocks(self):
        """Names of the ports that are clocks."""
        return (self.clock,) if isinstance(self.clock, str) else tuple(self.clock)

    @property
    def products_per_cycle(self):
        """Products of a 1-bit input and an 8-bit weight, in the number of bits that its MACs multiply."""
        return self.macs_per_cycle * self.input_bits * self.weight_bits / 8

    def describe(self):
        """What a row of figures says of it: all that is not about its files."""
        return {name: value for name, value in asdict(self).items()
                if name not in ("clock", "sources", "include", "defines", "frontend")}


def read_peers(folder):
    """The peers of a folder's TOML files, by the file's name without its suffix.

    BadInput, in one line, for anything that is wrong in one of them.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(f"--peers must be a folder of .toml files, and {folder} is none")
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise BadInput(f"--peers must be a folder of .toml files, and {folder} has none")
    peers, files = {}, {}
    for path in paths:
        peer = peers[path.stem] = read_peer(path)
        if peer.name in files:
            raise BadInput(f"names of peers must differ, and {files[peer.name]} and {path} both say {peer.name}")
        files[peer.name] = path
    return peers


def read_peer(path):
    """The peer that a file describes; BadInput, in one line, if it is wrong."""
    known = {one.name: one for one in fields(Peer)}
    values = _read(path)
    for name in values:
        if name not in known:
            raise BadInput(f"{path}: keys must be among {', '.join(known)}, not {name}")
    for name, one in known.items():
        rule = one.metadata["rule"]
        if name not in values:
            if one.default is MISSING:
                raise BadInput(f"{path}: {name} must be given, and is not")
        elif not RULES[rule](values[name]):
            raise BadInput(f"{path}: {name} must be {rule}, not {values[name]!r}")
    for name in ("defines", "parameters"):
        values.setdefault(name, {})
    values["sources"] = _find(path, "sources", values["sources"], Path.is_file, "files")
    values["include"] = _find(path, "include", values.get("include", []), Path.is_dir, "folders")
    return Peer(**values)


def _read(path):
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise BadInput(f"{path} must be UTF-8 text, and is not") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"{path} must be TOML, and is not: {error}") from None


def _find(path, name, patterns, fits, kind):
    """The files or folders that patterns name, in their order, each once."""
    found = {}
    for pattern in patterns:
        # The path of the folder comes first: an absolute pattern replaces it.
        whole = path.absolute().parent / pattern
        try:
            matches = sorted(filter(fits, Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))))
        except ValueError as error:
            raise BadInput(f"{path}: {name} must name {kind}, and {pattern} does not: {error}") from None
        if not matches:
            raise BadInput(f"{path}: {name} must name {kind}, and {pattern} names none")
        found |= dict.fromkeys(matches)
    return tuple(found)


def keys_table():
    """A Markdown table of the keys, for documents."""
    return markdown.table(["key", "value", "meaning", "default"], [
        [f"`{one.name}`", one.metadata["rule"], one.metadata["meaning"], one.metadata["default"]]
        for one in fields(Peer)])
