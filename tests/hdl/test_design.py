import json

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.emit import FABRICS, emit_files, run_yosys
from bitline.hdl.fabric.design import Design
from some import some

TABLES = MacroConfig(rows=11, columns=5, banks=2, max_accumulations=2, column="table", block_ram_columns=2)
CONFIGS = [MacroConfig(rows=3, columns=2, banks=2, weight_bits=1, fuse=2), MacroConfig(rows=13, columns=3,
           tree="carry_save"), TABLES, CoreConfig(macro=TABLES, bus="apb", reset="asynchronous")]
TEXT = """// What it is.
module top (
  input wire clk,  // clock, rising edge
  input wire signed [3:0] a,
  (* mark = "y" *)
  output reg [7:0] y
);
  wire z = a[0];
  reg b = 1'h1;
  reg [3:0] cells [15:0];
  assign y = { inner__q, z };
  always @(posedge clk)
    if (b) y <= a;
    else y <= ~ a;
  part #(
    .SIZE(4)
  ) inner (
    .d(a[1:0]),
    .q(inner__q)
  );
endmodule

module part (
  input wire [1:0] d,
  output wire q  // what is kept; or not
);
  reg kept;
  assign q = d[0] & kept;
endmodule
"""


@pytest.mark.parametrize("fabric", FABRICS)
@pytest.mark.parametrize("config", some(CONFIGS, 0, 2), ids=lambda config: config.name)
def test_what_is_read_is_what_yosys_reads(config, fabric):
    # Of the memories' file every body would be read, not one.
    main, *memories = emit_files(config, fabric).values()
    found, library = Design(main), "".join(memories)
    printed = run_yosys(f"{FABRICS[fabric]}read_verilog -lib <<verilog\n{library}\nverilog\n"
                        f"read_verilog <<verilog\n{main}\nverilog\nhierarchy -top {config.name}\n"
                        "proc\ndelete =A:blackbox =A:whitebox\nwrite_json\n")
    expected = json.loads(printed[printed.index("{"):])["modules"]
    assert found.modules.keys() <= expected.keys()
    for name, module in found.modules.items():
        wanted = expected[name]
        assert {port.name: (port.direction, port.width) for port in module.ports.values()} == {
            name: (port["direction"], len(port["bits"])) for name, port in wanted["ports"].items()}
        assert all(len(wanted["netnames"][net.name]["bits"]) == net.width for net in module.nets.values())
        assert {each.name: (each.width, each.depth) for each in module.memories.values()} == {
            name: (memory["width"], memory["size"]) for name, memory in wanted.get("memories", {}).items()}
        assert {each.name: (each.module, set(each.pins)) for each in module.instances.values()} == {
            name: (cell["type"], {pin for pin, bits in cell["connections"].items() if bits})
            for name, cell in wanted["cells"].items() if not cell["type"].startswith("$")}


def test_a_module_knows_what_is_in_it():
    top, part = Design(TEXT).modules.values()
    assert (top.summary, part.summary) == ("What it is.", None)
    assert [(port.name, port.direction, port.width, port.is_signed) for port in top.ports.values()] == [
        ("clk", "input", 1, False), ("a", "input", 4, True), ("y", "output", 8, False)]
    assert top.ports["y"].attributes == '(* mark = "y" *)' and top.ports["a"].attributes is None
    assert [(net.name, net.is_register, net.width, net.initial) for net in top.nets.values()] == [
        ("y", True, 8, None), ("z", False, 1, "a[0]"), ("b", True, 1, "1'h1")]
    assert (top.memories["cells"].width, top.memories["cells"].depth) == (4, 16)
    inner = top.instances["inner"]
    assert (inner.module, inner.parameters, inner.pins) == ("part", {"SIZE": "4"}, {"d": "a[1:0]", "q": "inner__q"})
    assert top.assigned == {"y": "{ inner__q, z }"} and top.text + "\n" + part.text == TEXT.partition("\n")[2]
    assert (top.width("z"), top.width("a")) == (1, 4)


def test_modules_know_each_other():
    found = Design(TEXT)
    assert list(found.below("part").modules) == ["part"] and list(found.below("top").modules) == ["top", "part"]
    assert found.above("part") == {"top", "part"} and found.above("top") == {"top"}


def test_a_change_needs_exactly_one_place():
    found = Design(TEXT)
    assert found.mutated("top", "y <= a", "y <= 0").text == TEXT.replace("y <= a", "y <= 0")
    assert found.mutated("top", "else y <= ~ %1;", "else y <= %1 + %1;").text == TEXT.replace("~ a;", "a + a;")
    for module, old, times in (("top", "y <= ", 2), ("part", "y <= a", 0), ("top", "if (%1) y <= ~", 0)):
        with pytest.raises(ValueError, match=f"must be once in {module}, not {times} times: "):
            found.mutated(module, old, "")


def test_outputs_attributes_comments_and_replacements():
    found = Design(TEXT)
    part = found.exposing("part", "kept").with_output("part", "twice", 2, "{ kept, kept }").modules["part"]
    assert [*part.ports] == ["d", "q", "kept", "twice"] and part.assigned["twice"] == "{ kept, kept }"
    (instance,) = (name for name, each in found.modules["top"].instances.items() if each.module == "part")
    above = found.exposing("top", f"{instance}.kept").modules
    assert [*above["part"].ports] == ["d", "q", "kept"] and f"{instance}_kept" in above["top"].ports
    assert above["top"].instances[instance].pins["kept"] == f"{instance}_kept"
    with pytest.raises(ValueError, match="registers must be those of part, which has no y"):
        found.exposing("part", "y")
    assert found.with_attributes("part", {"q": "(* a *)"}).modules["part"].ports["q"].attributes == "(* a *)"
    assert "reg kept /* seen */;" in found.commented("kept", "/* seen */").text
    with pytest.raises(ValueError, match="must declare one signal x, not 0"):
        found.commented("x", "")
    old, new = found.modules["top"].instances.values(), "  other it (\n    .q(y)\n  );\n"
    top = found.replacing("top", old, new).modules["top"]
    assert [(each.name, each.module) for each in top.instances.values()] == [("it", "other")]
