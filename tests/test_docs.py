import re
from pathlib import Path

import pytest
from bitline.hdl.config import MacroConfig
from bitline.scripts.diagrams import diagrams
from bitline.scripts.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_named_tests_exist():
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    plan = re.findall(r"`(\w+)`", text[text.index("## Test plan: the testbenches"):text.index("## What is not")])
    exist = set(re.findall(r"^(?:async )?def (\w+)", "".join(
        path.read_text(encoding="utf-8") for path in [*ROOT.glob("tests/test_*.py"), ROOT / "verif" / "tb_macro.py",
                                                      ROOT / "verif" / "coverage.py"]), re.MULTILINE))
    assert len(plan) > 40
    assert not set(plan) - exist


def test_every_testbench_is_in_the_plan():
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    source = (ROOT / "verif" / "tb_macro.py").read_text(encoding="utf-8")
    for name in re.findall(r"@cocotb.test\(\)\nasync def (\w+)", source):
        assert f"| `{name}` |" in text


def test_commands_of_the_documents_exist():
    for document in DOCUMENTS:
        for name in re.findall(r"(?:`|^)bitline ([a-z]+)\b", document.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in COMMANDS, f"{document.name}: bitline {name}"
    readme = DOCUMENTS[0].read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"`bitline {name}`" in readme


def test_diagrams_are_what_the_simulation_gives():
    for name, drawing in diagrams("verilator", Path("build/sim")).items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == drawing, f"{name}: draw it again"


def test_template_names_the_macro_that_it_describes():
    text = (ROOT / "docs" / "interface.md").read_text(encoding="utf-8")
    names = set(re.findall(r"bitline_\d+x\d+_\w+", text))
    assert names == {MacroConfig(rows=4, columns=4, banks=2, fuse=2, tiles=4).name}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def test_readme_maps_the_folders():
    readme = DOCUMENTS[0].read_text(encoding="utf-8")
    for folder in ROOT.iterdir():
        if (folder / "__init__.py").exists() or folder.name in ("tests", "docs"):
            assert f"| [{folder.name}]({folder.name}) |" in readme
