"""The cells of ECP5 do what the expressions do, proved by SAT for all inputs and all states."""

import random
import re

import pytest
from amaranth.hdl import Cat, Module, Mux, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from bitline.hdl.config import MacroConfig
from bitline.hdl.emit import EmitError, design, emit, run_yosys
from bitline.hdl.fabric.adder import Addition, Carry, Operand, add
from bitline.hdl.fabric.emitter import Emitter, Platform
from bitline.hdl.fabric.mux import instantiate_choice, instantiate_rotation
from bitline.scripts.integration.cell_models import cell_models
from some import some

# One side, its cells replaced by their models.
READ = """
design -reset
{models}
read_{language} <<design
{text}
design
hierarchy -check -top {top}
proc
flatten
memory_map
dffunmap
opt_clean
rename {top} {side}
design -stash {side}
"""
# Registers become inputs and outputs: from the same state both sides must go to the same next one.
PROVE = """
design -reset
design -copy-from generic -as generic generic
design -copy-from ecp5 -as ecp5 ecp5
expose -evert-dff -shared generic ecp5
miter -equiv -flatten generic ecp5 miter
hierarchy -top miter
opt -full
select -assert-none t:*dff* t:*mem* t:CCU2C
sat -verify -prove trigger 0 miter
"""


# What Yosys says of the cells.
YOSYS = "read_verilog -nowb -defer -overwrite +/ecp5/cells_sim.v"


def differ(texts, top, language="verilog", models=(YOSYS, YOSYS)):
    """Whether there are inputs and a state for which a module does not do the same in both fabrics.

    ``models``: Yosys's command that reads the models of the cells, for each side.
    """
    script = "".join(READ.format(language=language, text=text, top=top, side=side, models=read)
                     for (side, text), read in zip(texts.items(), models))
    try:
        run_yosys(script + PROVE)
    except EmitError as error:
        assert "proof did fail" in str(error), error
        return True
    return False


class Sums(wiring.Component):
    """One addition of each kind, of words of many widths."""

    def __init__(self):
        rng = random.Random(1)
        self._kinds = [
            (first, second, carry, inverts)
            for first in ("", "and", "xor") for second in ("", "and", "xor", "select") for carry in range(4)
            for inverts in (False, True) if first == "" or second != "select"]
        ports = {}
        for index, (first, second, _, inverts) in enumerate(self._kinds):
            for name, flips in (("first", first == "xor" or inverts), ("second", second == "xor")):
                # Complements are of signed words.
                shape = (signed if flips else rng.choice((signed, unsigned)))(rng.randint(1, 4))
                ports[f"{name}_{index}"] = In(shape)
            ports[f"other_{index}"] = In(shape)
            ports |= {f"{name}_{index}": In(1) for name in ("p", "q", "c", "d")}
            # No wider than the expression.
            widths = [ports[f"{name}_{index}"].shape.width for name in ("first", "second")]
            ports[f"sum_{index}"] = Out(rng.randint(1, max(widths) + 1))
        super().__init__(ports)

    def elaborate(self, platform):
        m, additions, sums = Module(), [], []
        for index, (first, second, carry, inverts) in enumerate(self._kinds):
            names = ("first", "second", "other", "p", "q", "c", "d", "sum")
            port = {name: getattr(self, f"{name}_{index}") for name in names}
            carries = (None, Carry(lambda a, b: a, port["c"]), Carry(lambda a, b: a & ~b, port["c"], port["d"]),
                       Carry(lambda a, b: ~a & ~b, port["c"], port["d"]))
            additions.append(Addition(
                Operand(port["first"], first, port["p"]) if first else Operand(port["first"]),
                Operand(port["second"], second, port["q"], port["other"]) if second else Operand(port["second"]),
                len(port["sum"]), carries[carry], inverts))
            sums.append(port["sum"])
        m.d.comb += [port.eq(value) for port, value in zip(sums, add(m, platform, "chain", additions))]
        return m


class Choices(wiring.Component):
    """Choices of any number of words up to one more than the widest multiplexer has inputs."""

    COUNTS = range(1, 19)

    def __init__(self):
        super().__init__({f"index_{count}": In(range(count)) for count in self.COUNTS}
                         | {f"words_{count}": In(2 * count) for count in self.COUNTS}
                         | {f"word_{count}": Out(2) for count in self.COUNTS})

    def elaborate(self, platform):
        m = Module()
        for count in self.COUNTS:
            index, words = getattr(self, f"index_{count}"), getattr(self, f"words_{count}")
            values = [words.word_select(number, 2) for number in range(count)]
            chosen = instantiate_choice(m, platform, f"choice_{count}", values, index)
            # What an index beyond the words gives may be anything.
            m.d.comb += getattr(self, f"word_{count}").eq(Mux(index < count, chosen, 0))
        return m


class Rotations(wiring.Component):
    """Rotations of words of one to 32 parts."""

    AMOUNT_BITS = range(1, 6)

    def __init__(self):
        super().__init__({f"amount_{bits}": In(bits) for bits in self.AMOUNT_BITS}
                         | {f"word_{bits}": In(2 << bits) for bits in self.AMOUNT_BITS}
                         | {f"turned_{bits}": Out(2 << bits) for bits in self.AMOUNT_BITS})

    def elaborate(self, platform):
        m = Module()
        for bits in self.AMOUNT_BITS:
            amount, word, turned = (getattr(self, f"{name}_{bits}") for name in ("amount", "word", "turned"))
            found = instantiate_rotation(m, platform, f"turned_{bits}", word, 2, amount)
            # On one side as it is said: part n is in the place n + amount.
            said = Cat(word.word_select((place - amount)[:bits], 2) for place in range(1 << bits))
            m.d.comb += turned.eq(found if Platform.of(platform).fabric == "ecp5" else said)
        return m


def converted(fabric, component, cell):
    emitter = Emitter("t", fabric)
    emitter.add("t_all", component())
    text = emitter.modules["t_all"]
    assert (cell in text) == (fabric == "ecp5")
    return text


@pytest.mark.parametrize("component, cell", [(Sums, "CCU2C"), (Choices, "PFUMX"), (Rotations, "PFUMX")])
def test_every_kind_of_addition_choice_and_rotation(component, cell):
    texts = {fabric: converted(fabric, component, cell) for fabric in ("generic", "ecp5")}
    assert not differ(texts, "t_all", "rtlil")
    if component is not Sums:
        swapped = texts["ecp5"].replace("\\ALUT", "\\TMP").replace("\\BLUT", "\\ALUT").replace("\\TMP", "\\BLUT")
        assert differ(texts | {"ecp5": swapped}, "t_all", "rtlil")


def test_each_multiplexer_has_inputs_of_one_kind():
    """Those of a PFUMX are LUTs, those of an L6MUX21 the outputs of two PFUMX or of two L6MUX21, or it has no place."""
    cells = re.findall(r"^  cell (?:\\)?(\w+) .*\n((?:    .*\n)*)", converted("ecp5", Choices, "PFUMX"), re.MULTILINE)
    pins = [(kind, dict(re.findall(r"connect \\(\w+) (.*)", body))) for kind, body in cells]
    kinds = {found["Z"]: kind for kind, found in pins if "Z" in found}
    names = {"PFUMX": ("BLUT", "ALUT"), "L6MUX21": ("D0", "D1")}
    inputs = {(kind, *(kinds.get(found[pin].removesuffix(" [0]")) for pin in names[kind]))
              for kind, found in pins if kind in names}
    assert inputs == {("PFUMX", "LUT4", "LUT4"), ("L6MUX21", "PFUMX", "PFUMX"), ("L6MUX21", "L6MUX21", "L6MUX21")}


BITCELLS = MacroConfig(rows=5, columns=1, weight_bits=3, input_bits=2, banks=2, max_accumulations=2)
BLOCKS = [
    (BITCELLS, "adder_tree"),
    (BITCELLS, "accumulator"),
    (BITCELLS, "ones_accumulator"),
    (MacroConfig(rows=1, columns=1, weight_bits=1, input_bits=1), "accumulator"),
    (MacroConfig(rows=4, columns=1, weight_bits=2, input_bits=2, fuse=1, column="table"), "accumulator"),
    (MacroConfig(rows=6, columns=1, weight_bits=2, column="table"), "lut_ram_columns_1"),
    (MacroConfig(rows=11, columns=2, weight_bits=3, banks=2, column="table"), "lut_ram_columns_2"),
    (MacroConfig(rows=7, columns=1, weight_bits=2, banks=3, column="table"), "lut_ram_columns_1"),
    (MacroConfig(rows=9, columns=1, weight_bits=4, column="table", block_ram_columns=1), "block_ram_entry_adder"),
]


def tables_of_adders(module):
    """Of carry cells those tables whose pins may all be high at once: the cell, the table's name, its value."""
    for cell in module.instances.values():
        for half in "01" if cell.module == "CCU2C" else "":
            # What begins a chain is zero where a pin for its second word is high.
            table = cell.parameters[f"INIT{half}"]
            if not table.startswith("16'h000") and "1'h0" not in (cell.pins.get(f"{pin}{half}") for pin in "ABCD"):
                yield cell, f"INIT{half}", table


@pytest.mark.parametrize("config, block", some(BLOCKS, 0, 1, 5), ids=lambda value: getattr(value, "name", value))
def test_block_is_the_same_in_both_fabrics_and_a_wrong_bit_is_refuted(config, block):
    texts, top = {fabric: emit(config, fabric) for fabric in ("generic", "ecp5")}, f"{config.name}_{block}"
    assert not differ(texts, top)
    found = design(config, "ecp5")
    tables = list(tables_of_adders(found.modules[top]))
    assert tables, "the block has carry cells"
    for cell, table, value in random.Random(1).sample(tables, min(2, len(tables))):
        # What is looked up with all pins high.
        wrong = value.replace("'h" + value[4], f"'h{int(value[4], 16) ^ 8:x}")
        text = cell.text.replace(f".{table}({value})", f".{table}({wrong})")
        assert differ(texts | {"ecp5": found.replacing(top, [cell], text).text}, top)


CELLS = {"LUT4": ("ABCD", "Z"), "PFUMX": (("ALUT", "BLUT", "C0"), "Z"), "L6MUX21": (("D0", "D1", "SD"), "Z"),
         "CCU2C": (("CIN", "A0", "B0", "C0", "D0", "A1", "B1", "C1", "D1"), ("S0", "S1", "COUT"))}


def instances():
    """A module of cells of each kind in each mode, with drawn tables and inputs and outputs of their own."""
    rng, lines, inputs, outputs = random.Random(1), [], 0, 0
    for kind, (ins, outs) in CELLS.items():
        for number in range({"LUT4": 2, "CCU2C": 16}.get(kind, 1)):
            pins = [*(f".{pin}(i[{inputs + index}])" for index, pin in enumerate(ins)),
                    *(f".{pin}(o[{outputs + index}])" for index, pin in enumerate(outs))]
            inputs, outputs = inputs + len(ins), outputs + len(outs)
            tables = {"LUT4": ("INIT",), "CCU2C": ("INIT0", "INIT1")}.get(kind, ())
            values = [f".{table}({rng.randrange(1 << 16)})" for table in tables]
            if kind == "CCU2C":
                values += [f'.INJECT1_{half}("{("YES", "NO")[number >> half & 1]}")' for half in (0, 1)]
            parameters = f"#({', '.join(values)}) " if values else ""
            lines.append(f"{kind} {parameters}{kind}_{number} ({', '.join(pins)});\n")
    return f"module t (input [{inputs - 1}:0] i, output [{outputs - 1}:0] o);\n{''.join(lines)}endmodule\n"


def test_models_of_cells_are_those_of_yosys():
    text, own = dict.fromkeys(("generic", "ecp5"), instances()), cell_models("ecp5")["bitline_ecp5_cells.v"]

    def different(models):
        return differ(text, "t", models=(YOSYS, f"read_verilog -defer <<models\n{models}\nmodels"))

    assert not different(own)
    for old, new in (("A ? by_b[1]", "A ? by_b[0]"), ("C0 ? ALUT : BLUT", "C0 ? BLUT : ALUT"),
                     ("SD ? D1 : D0", "SD ? D0 : D1"), ("(CARRIES_1 & middle)", "middle"),
                     ("middle : CARRIES_1 &", "middle :"), ("(A0 ? by_b_0[1]", "(A0 ? by_b_1[1]")):
        assert own.count(old) == 1 and different(own.replace(old, new))
