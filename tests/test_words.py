"""American spelling in all text that Bitline has written itself."""

import re

import pytest
from places import ROOT

SUFFIXES = {".c", ".cpp", ".core", ".h", ".in", ".md", ".py", ".sv", ".toml", ".v"}
FOLDERS = ("constraints", "docs", "golden", "hdl", "host", "scripts", "tests", "verif")
BRITISH = re.compile(
    r"\w*(?:initialis|minimis|maximis|normalis|optimis|organis|quantis|recognis|serialis|synthesise|utilis)\w*"
    r"|(?:behaviour|colour|favour|honour|neighbour)\w*|analysed?|artefacts?|cancell(?:ed|ing)|centres?|grey"
    r"|judgement|labell(?:ed|ing)|modell(?:ed|ing)|signall(?:ed|ing)", re.IGNORECASE)


def british(text):
    """Words with British spelling, in snake case too."""
    return [word for word in re.findall(r"[A-Za-z]+", text) if BRITISH.fullmatch(word)]


def files():
    yield from ROOT.glob("*.md")
    yield from (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES)


def test_spelling_is_american():
    found = {str(path.relative_to(ROOT)): british(path.read_text(encoding="utf-8"))
             for path in files() if path.name != "test_words.py"}
    assert len(found) > 200 and {path: words for path, words in found.items() if words} == {}


@pytest.mark.parametrize("text", ["requantised_sum", "Behaviour", "COLOURS", "a modelled cell", "neighbouring", "grey"])
def test_british_spelling_is_detected(text):
    assert len(british(text)) == 1


@pytest.mark.parametrize("text", ["quantized behavior", "colors of neighbors", "analyses", "centered", "bitstream"])
def test_american_spelling_is_accepted(text):
    assert british(text) == []
