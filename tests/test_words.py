"""The spelling of all text files is American."""

import re

import pytest
from places import ROOT
from rooms import SETUPTOOLS

FOLDERS = ("docs", "tests", *SETUPTOOLS["package-dir"].values())
SUFFIXES = (".c", ".core", ".cpp", ".h", ".in", ".md", ".py", ".sv", ".v")
STEMS = ("character", "digit", "equal", "general", "initial", "maxim", "minim", "normal", "optim", "organ", "parametr",
         "quant", "random", "real", "recogn", "serial", "summar", "synthes", "util", "visual", "zero")
BRITISH = re.compile(
    rf"\b\w*(?:(?:{'|'.join(STEMS)})is(?:e[drs]?|ing|ation)|analys(?:e[drs]?|ing)"
    r"|(?:behavi|col|fav|neighb)our\w*|(?:cancel|label|model|signal)l(?:ed|ing)|(?:ana|cata)logue|centre[sd]?"
    r"|(?:defen|licen)ce|metres?)\b", re.IGNORECASE)
# Former names of registers and functions, which users still have.
FORMER = ("zeroise", "zeroised", "bitline_core_zeroise")
# Of Verilog.
KEYWORDS = ("showcancelled", "noshowcancelled")


def british(text):
    """British spellings in a text."""
    return [word for word in BRITISH.findall(text) if word not in FORMER + KEYWORDS]


def test_spelling_is_american():
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.suffix in SUFFIXES]
    found = {str(path.relative_to(ROOT)): words for path in [*files, *ROOT.glob("*.md")] if path.name != "test_words.py"
             and (words := british(path.read_text(encoding="utf-8")))}
    assert found == {} and len(files) > 300


@pytest.mark.parametrize("text", ["it is requantised", "the behaviour of", "`set_colour`", "initialisation",
                                  "Analyse it", "a modelled bus", "the centre"])
def test_british_spelling_is_noticed(text):
    assert len(british(text)) == 1


@pytest.mark.parametrize("text", ["raise, otherwise, precise, noise and rising", "an hour, four of our", "synthesis",
                                  "`control.zeroise`"])
def test_other_words_are_not(text):
    assert british(text) == []
