"""The syntax of liberty files: groups, attributes, and where a file breaks it."""

import gzip
import math
import re
import zlib
from dataclasses import dataclass, field

from ...common.files import BadInput

COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# ``name : value ;``, ``name ( values ) ;``, ``name ( arguments ) {``, or ``}``.
STATEMENT = re.compile(r'\s*(?:(?P<name>\w+)\s*(?::\s*(?P<value>"[^"]*"|[^;\n{}"]*?)\s*(?:;|(?=[\n}]))'
                       r'|\((?P<arguments>(?:[^()"]|"[^"]*")*)\)\s*(?P<open>[{;]?))|(?P<close>\})|;)')


@dataclass
class Group:
    """A group of a liberty file.

    Attributes
    ----------
    kind : str
        ``cell``, ``pin``, ``timing``.
    arguments : list of str
    values : dict of str to str
        Its simple attributes; of complex ones the text between the parentheses.
    groups : list of Group
    """

    kind: str
    arguments: list
    values: dict = field(default_factory=dict)
    groups: list = field(default_factory=list)

    def of(self, *kinds):
        """The groups of some kinds directly in it."""
        return [group for group in self.groups if group.kind in kinds]


def unquoted(text):
    """Text without quotation marks around it."""
    return text.strip().strip('"').strip()


def number(text):
    """A finite number; ValueError for anything else."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value


def numbers(text):
    """All numbers of the strings of a complex attribute."""
    return [number(word) for word in re.split(r'[\s,"]+', text) if word]


def read_text(path):
    """The text of a liberty file, which may be compressed by gzip."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error):
            raise BadInput(f"--liberty must be complete, and {path} is damaged") from None
    return content.decode("latin-1")


def parse(text, path):
    """The outermost group, of kind ``library``.

    Raises
    ------
    BadInput
        The text is not liberty, or does not end.
    """
    # Lines keep their numbers.
    text = COMMENTS.sub(lambda match: "\n" * match[0].count("\n") or " ", text)
    text = text.replace("\\\r\n", " \n").replace("\\\n", " \n")
    root = Group("", [])
    stack, place, end = [root], 0, len(text.rstrip())
    while place < end:
        match = STATEMENT.match(text, place)
        if match is None:
            raise BadInput(f"--liberty must be a whole file of that format, and line {_line(text, place)} of {path} is "
                           "not, or is cut off")
        place = match.end()
        if match["close"]:
            if len(stack) == 1:
                raise BadInput(f"--liberty must close its groups once, and line {_line(text, place)} of {path} "
                               "closes one more")
            stack.pop()
        elif match["open"] == "{":
            group = Group(match["name"], [unquoted(word) for word in match["arguments"].split(",")])
            stack[-1].groups.append(group)
            stack.append(group)
        elif match["name"]:
            value = match["value"] if match["arguments"] is None else match["arguments"]
            stack[-1].values[match["name"]] = unquoted(value) if match["arguments"] is None else value
    if len(stack) > 1:
        last = stack[-1]
        raise BadInput(f"--liberty must close its groups, and {path} ends within {last.kind} "
                       f"{' '.join(last.arguments)}")
    if [group.kind for group in root.groups] != ["library"]:
        raise BadInput(f"--liberty must hold one library, and {path} holds {len(root.of('library'))}")
    return root.groups[0]


def _line(text, place):
    """The number of the line where the next statement begins."""
    return 1 + text.count("\n", 0, place + len(text[place:]) - len(text[place:].lstrip()))
