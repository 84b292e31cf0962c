import re
from pathlib import Path

import pytest
from bitline.hdl.config import MacroConfig
from bitline.scripts.reports.code_coverage import EXCLUSIONS, CodeCoverage, make_page

CONFIG = MacroConfig(rows=2, columns=1, weight_bits=2, input_bits=2)


def record(kind, block, line, name, count):
    """A line of Verilator's file."""
    fields = {"f": "macro.v", "l": line, "n": 3, "t": kind, "page": f"v_{kind}/{CONFIG.name}{block}", "o": name,
              "h": "macro"}
    return "C '" + "".join(f"\x01{key}\x02{value}" for key, value in fields.items()) + f"' {count}\n"


@pytest.fixture
def loaded(tmp_path):
    """Coverage of two runs' files."""
    first = record("line", "_driver", 1, "block", 0) + record("branch", "_driver", 2, "if", 1)
    second = record("line", "_driver", 1, "block", 4) + record("toggle", "", 3, "a<b>:0->1", 0)
    coverage = CodeCoverage()
    for name, text in (("first", first), ("second", second + record("toggle", "_controller", 5, "busy:0->1", 0))):
        (tmp_path / name).write_text("# SystemC::Coverage-3\n" + text, encoding="latin-1")
        coverage.load(tmp_path / name, CONFIG)
    return coverage


def test_runs_add_up_and_exclusions_are_counted(loaded):
    assert loaded.rows() == [("driver", {"line": (1, 1), "branch": (1, 1)}), ("macro", {"toggle": (0, 1)}),
                             ("all", {"line": (1, 1), "branch": (1, 1), "toggle": (0, 1)})]
    assert sum(loaded.excluded.values()) == 1 and not loaded.passes


def test_page_tells_what_is_not_hit_and_why_what_is_not_counted(loaded):
    page = make_page(loaded)
    assert "toggle a&lt;b&gt;:0-&gt;1" in page and "busy" not in page.partition("Not hit")[2]
    assert all(reason in page for *_, reason, _ in EXCLUSIONS)
    assert not re.search(r"(src|href)=", page)


@pytest.mark.slow
def test_regression_reports_coverage(cli, tmp_path):
    status, output, errors = cli("regress", "--rows", 2, "--columns", 1, "--weight-bits", 2, "--input-bits", 2,
                                 "--coverage", "--jobs", 1, "--out", tmp_path, "--build", Path("build/sim"))
    assert status == 0, output + errors
    assert re.search(r"controller .*100.0 % of \d+ .*100.0 % of \d+", output), output
    assert "not counted: 4 points: ports of the controller" in output
    page = (tmp_path / "coverage.html").read_text(encoding="utf-8")
    assert "<td>controller</td>" in page


def test_too_little_coverage_fails(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("bitline.scripts.reports.code_coverage.MIN_PERCENT", 101)
    status, output, _ = cli("regress", "--rows", 2, "--columns", 1, "--weight-bits", 2, "--input-bits", 2, "--coverage",
                            "--test", "full_rate", "--jobs", 1, "--out", tmp_path, "--build", Path("build/sim"))
    assert "0 failures" in output and status == 1


def test_coverage_is_verilators(refused):
    refused("regress", "--coverage", "--simulator", "icarus", match="--coverage must come with --simulator verilator")
