"""The properties to prove, each with bugs that its proof must find."""

from dataclasses import replace

from ...hdl.config import CoreConfig, MacroConfig
from ...hdl.config.widths import ceil_log2
from ...hdl.core.requantizer import tag_layout
from ...hdl.csr.register_map import ACCESS_CYCLES
from .carry_save import cells, compressed
from .property import (
    Property,
    controlled,
    fused,
    grouped,
    lane,
    level_sums,
    march_ending,
    packed_beats,
    streaming,
    summed,
    table_sums,
    whole,
)

MACRO = MacroConfig(rows=10, columns=4, banks=2)
CORE = CoreConfig(macro=MACRO, input_stream_bits=32)


def of_core(name, says, block, bugs, depth, bus="axi", **more):
    """A property of a block of a core."""
    return Property(name, says, name, replace(CORE, bus=bus), block, bugs, depth, **more)


SETTINGS = ("offset_0", "clamp_0", "offset_1", "clamp_1")
BUS_PROOFS = (
    of_core("axi_lite", "AXI4-Lite keeps its protocol and reaches the registers once an access", "front", (
        ("else bvalid <= %1;", "else bvalid <= bus__done;"),
        # A read outlives a reset.
        ("if (rst) arready <= 1'h0;", "if (1'b0) arready <= 1'h0;"),
        ("else rvalid <= %1;", "else rvalid <= rready;"),
        ("assign bus__enable = %1;", "assign bus__enable = %1 | bvalid;"),
        # A read goes only where no write would follow, or waits until the response to a write is accepted; and a write
        # until that to a read is.
        ("assign bus__enable = %1;", "assign bus__enable = (%1) & (bus__write | ~awvalid);"),
        ("assign bus__enable = %1;", "assign bus__enable = (%1) & (bus__write | ~bvalid);"),
        ("assign bus__write = %1;", "assign bus__write = (%1) & ~rvalid;"),
        # Each response is that of its own access, of which there is one at a time.
        ("else if (%1) bresp <= ", "else if (bus__done) bresp <= "),
        ("else if (%1) rresp <= ", "else if (bus__done) rresp <= "),
        ("assign bus__enable = %1;", "assign bus__enable = (%1) | pending & ~bus__done & ~awready;"),
        ("bus__data <= wdata", "bus__data <= ~wdata"),
        ("bus__strobe <= wstrb", "bus__strobe <= 4'hf"),
        ("if (rst) awready <= 1'h0;", "if (rst) awready <= 1'h1;"),
        ("read_address <= araddr", "read_address <= {araddr[11:1], 1'b0}"),
        # A read goes before a write that waits, again and again.
        ("assign bus__write = %1;", "assign bus__write = (%1) & arready;")), 4, exposed=(
            "write_address", "read_address", "awake", "pending", "writes"), cover_depth=24, bug_depth=18,
        defines={"CYCLES": ACCESS_CYCLES}),
    of_core("wishbone", "Wishbone keeps its protocol and reaches the registers once an access", "front", (
        ("assign bus__enable = %1;", "assign bus__enable = cyc & stb;"),
        # Some requests are never answered.
        ("assign bus__enable = %1;", "assign bus__enable = (%1) & ~(we & adr[2]);"),
        ("assign ack = %1;", "assign ack = cyc & stb;"),
        # An answer outlives a reset, or a request that is withdrawn.
        ("if (rst) asked <= 1'h0;", "if (1'b0) asked <= 1'h0;"),
        ("assign answers = %1;", "assign answers = cyc & stb & bus__done;"),
        ("assign err = %1;", "assign err = 1'b0;"),
        ("assign bus__write = we", "assign bus__write = 1'b0")), 3, bus="wishbone", exposed=("pending", "asked"),
        cover_depth=20, defines={"CYCLES": ACCESS_CYCLES}),
    of_core("apb", "APB keeps its protocol and reaches the registers once an access", "front", (
        ("assign bus__enable = %1;", "assign bus__enable = psel;"),
        ("assign pslverr = %1;", "assign pslverr = bus__refused;"),
        # An answer outlives a reset.
        ("if (rst) asked <= 1'h0;", "if (1'b0) asked <= 1'h0;"),
        ("assign pready = %1;", "assign pready = (%1) & ~bus__refused;"),
        ("assign prdata = bus__read_data", "assign prdata = ~bus__read_data")), 3, bus="apb",
        exposed=("pending", "asked"), cover_depth=20, defines={"CYCLES": ACCESS_CYCLES}),
    of_core("lock", "the lock stays until a reset, and nothing that it guards is written", "registers", (
        ("else lock__locked__data <= %1;", "else lock__locked__data <= bus__enable | %1;"),
        ("assign lock__locked__next = lock__locked__data | %1;", "assign lock__locked__next = %1;"),
        ("= %1 & lock__locked__data;", "= 1'b0;"),
        ("if (rst) lock__locked__data <= ", "if (1'b0) lock__locked__data <= "),
        ("else load__written <= %1;", "else load__written <= bus__done;"),
        ("else load_data__written <= %1;", "else load_data__written <= bus__done;"),
        ("if (%1) self_test__march_ss__data <= ", "if (rst) self_test__march_ss__data <= "),
        ("if (%1) self_test__known_answers__data <= ", "if (rst) self_test__known_answers__data <= "),
        ("else if (%1) clamp_1__low__data <= ", "else if (bus__done) clamp_1__low__data <= "),
        ("else if (executes) bus__refused <= %1;", "else if (executes) bus__refused <= 1'h0;"),
        # An access is answered twice, or another one than was asked; what it may and where it goes is lost.
        ("else asked <= bus__enable;", "else asked <= bus__enable | executes;"),
        ("if (bus__enable) request <= ", "if (1'b1) request <= "),
        ("is_lockable <= %1;", "is_lockable <= 1'b0;"),
        ("writes_load <= %1;", "writes_load <= 1'b1;"),
        ("else asks_self_test <= %1;", "else asks_self_test <= writes_self_test;"),
        ("write_load = asks_load & %1;", "write_load = asks_load;")), 3, cover_depth=16,
        bug_depth=16, defines={"CYCLES": ACCESS_CYCLES}, exposed=(
            "asked", "executes", "is_lockable", "request", *(
                f"write_{name}" for name in ("lock", "load", "load_data", "self_test", *SETTINGS)), *(
                f"writes_{name}" for name in ("lock", "load", "load_data", "self_test", *SETTINGS)))),
    of_core("loader", "locked, the loader writes nothing and blocks no stream", "loader", (
        (".refuse(locked)", ".refuse(1'b0)"),
        # The stream alone, and words alone.
        (".refuse(locked)", ".refuse(locked & target[1])"),
        (".refuse(locked)", ".refuse(locked & ~target[1])"),
        ("assign s__ready = ", "assign s__ready = write__ready & ")), 3, defines={"TARGET": 8}),
    of_core("packer", "a beat of results stays as it is until it is taken, and says which bytes count", "packer", (
        ("assign o__payload_keep = %1;", "assign o__payload_keep = 8'hff;"),
        ("assign o__payload_data = %1 & %2;", "assign o__payload_data = (%1 & %2) << 1;"),
        (".r_en(o__ready)", ".r_en(1'b1)")), 4, defines={"RESULTS": 8, "KEEP": 15}),
    of_core("tracker", "each vector that arrives gets one tag, shown after three cycles at the latest", "tracker", (
        (".w_en(enters)", ".w_en(enters & ~o__valid)"),
        (".r_en(o__ready)", ".r_en(1'b1)"),
        ("enters <= i__valid", "enters <= i__valid & ~o__ready"),
        # A cycle in which the last tag is still on its way.
        ("assign empty = ", "assign empty = stays | ")), 4, cover_depth=20, exposed=("enters", "fifo.inner_level"),
        defines={"TAG": tag_layout().size, "IN_FLIGHT": CORE.in_flight, "LEVEL": ceil_log2(CORE.in_flight)}),
    of_core("assembler", "each packet of inputs gives one vector or one fault", "vectors_assembler", (
        ("assign faults__long = ", "assign faults__long = 1'b0 & "),
        ("assign faults__short = ", "assign faults__short = 1'b0 & "),
        ("assign faults__null = ", "assign faults__null = 1'b0 & "),
        ("assign s__ready = ", "assign s__ready = 1'b1 | "),
        ("word_1 <= ", "word_1 <= 1 + "),
        ("else if (%1) within_ <= %2;", "else if (%1) within_ <= ~%2;"),
        ("assign o__valid = ", "assign o__valid = s__valid | ")), 4, exposed=("position", "discarding"),
        defines={"BITS": 32, "BEATS": 3, "USED": 2}),
    Property("items", "rows and parameters from packets of many: none is faulty, and each packet is reported once",
             "items", CoreConfig(macro=MacroConfig(rows=10, columns=3, banks=2), input_stream_bits=32,
                                 weight_stream_bits=32), "loader_assembler", (
                 # An item outlives a restart, or the place of one that waits is given away.
                 ("if (withdraw_reduce_or_A_Y) pending", "if (rst) pending"),
                 ("assign s__ready = ~ pending;", "assign s__ready = 1'b1;"),
                 # The lock comes while an item waits.
                 ("assign o__valid = %1 & %2;", "assign o__valid = %1;"),
                 ("within_mux_B_S = pending & refuse;", "within_mux_B_S = 1'b0;"),
                 ("within_mux_B_Y = within_mux_B_S ? within_ : ", "within_mux_B_Y = within_mux_B_S ? 1'b0 : "),
                 ("assign refused = ", "assign refused = 1'b0 & "),
                 ("assign faults__long = ", "assign faults__long = 1'b0 & "),
                 ("assign faults__short = ", "assign faults__short = 1'b0 & "),
                 ("assign faults__null = ", "assign faults__null = 1'b0 & "),
                 ("word_2 <= ", "word_2 <= 1 + "),
                 ("else if (%1) within_ <= %2;", "else if (%1) within_ <= ~%2;"),
             ), 3, exposed=("position", "discarding"),
             defines={"BITS": 32, "BEATS_0": 1, "USED_0": 3, "BEATS_1": 4, "USED_1": 4}),
)

STREAMS = (
    streaming("streams", "a core with AXI4-Lite keeps AXI4-Stream, and no output depends on an input of the same cycle",
              "axi", (
                  (".r_en(o__ready)", ".r_en(1'b1)", "packer"),
                  ("assign m_axis_tlast = %1;", "assign m_axis_tlast = %1 & m_axis_tready;"),
                  ("if (rst) takeover__hold <= 1'h1;", "if (rst) takeover__hold <= 1'h0;", "self_test"),
                  # The lock comes a cycle late.
                  ("registers__lock__locked__next & %1;", "registers__lock__locked__data & %1;", "core")), {}),
    streaming("streams_wishbone", "the same with Wishbone, but that it answers only while it is asked", "wishbone", (
        ("assign ack = %1;", "assign ack = (%1) & (sel[0] | ~we);", "front"),
        ("assign answers = %1;", "assign answers = cyc & stb;", "front")), {
            "wb_cyc": ("wb_ack", "wb_err"), "wb_stb": ("wb_ack", "wb_err")}),
    streaming("streams_apb", "the same with APB, but that it shows an error only with an answer", "apb", (
        ("assign prdata = bus__read_data", "assign prdata = bus__read_data & {32{penable}}", "front"),
        ("assign pready = %1;", "assign pready = bus__done & psel;", "front")), {
            "s_apb_psel": ("s_apb_pslverr",), "s_apb_penable": ("s_apb_pslverr",)}),
)

# Small enough that a bug shows at the end of a program.
MARCHED = CoreConfig(macro=MacroConfig(rows=2, columns=2, banks=2), bus="axi", input_stream_bits=32)
MARCH = Property(
    "march", "a start of a self-test or zeroize ends at most once; zeroize then has cleared and read every row",
    "march", MARCHED, "self_test", (
        # A restart without a start, an end without a run, zeros that are not zero, rows that are not read, and a weight
        # that is not zero and not reported.
        ("else running <= %1;", "else running <= (%1) & ~waits;"),
        ("else done <= %1;", "else done <= waits;"),
        ("if (begins) load__payload_data <= %1;",
         "if (begins) load__payload_data <= (%1) | (!step[0] && row && bank);"),
        ("if (begins) vector__payload_data <= %1;", "if (begins) vector__payload_data <= (%1) ^ (step[0] && bank);"),
        ("else if (%1) failed <= %2;", "else if (%1) failed <= failed;"),
        # A row that is written is not waited for.
        ("assign is_done = step[0] ? %1 : %2;", "assign is_done = step[0] ? %1 : 1'b1;")), 13,
    cover_depth=60, bug_depth=60, defines={"TOTAL": MARCHED.macro.total_width}, solvers=("yices",), script="flatten")

GROUPS = tuple(grouped(f"groups{suffix}", says, interval, bugs) for suffix, says, interval, bugs in (
    ("", "the requantizer takes or samples each group of totals of a vector once, and ends with the last", 1, (
        # Groups of other vectors too, a tag that leaves after any group, and groups that begin again.
        ("shown_sampled_sdff_Q_D = goes & %1;", "shown_sampled_sdff_Q_D = goes;"),
        ("i__ready_mux_Y_A = %1 | o__taken_last;", "i__ready_mux_Y_A = 1'b1;"),
        ("next_group_mux_Y_B = o__taken_last ? ", "next_group_mux_Y_B = 1'b0 ? "),
        # Groups of a vector that is discarded, and without space.
        ("assign wanted = %1;", "assign wanted = tag__payload[1];"),
        ("assign o__space_or_A_Y = ", "assign o__space_or_A_Y = 1'b1 | "))),
    ("_4", "the same, interval 4", 4, (
        ("ends_mux_Y_A = %1 | o__taken_last;", "ends_mux_Y_A = 1'b1;"),
        # Totals that were accepted are those of nobody.
        ("assign i__valid_or_A_Y = i__valid | remain;", "assign i__valid_or_A_Y = 1'b1;")))))

BEATS = tuple(packed_beats(f"beats{suffix}", says, CoreConfig(
    macro=MacroConfig(rows=4, columns=columns, banks=2, result_interval=interval), output_stream_bits=32), bugs)
    for suffix, says, columns, interval, bugs in (
        ("", "each group's results get into a beat, of each vector the last into the last, and no beat is lost", 6, 4, (
            # Beats that leave make no room; there is always space; each group is a beat, or only the last is.
            ("assign left = ", "assign left = 1'b0 & "),
            ("assign i__space_sdff_Q_D = ", "assign i__space_sdff_Q_D = 1'b1 | "),
            ("assign w_en = i__valid & %1;", "assign w_en = i__valid;"),
            ("assign w_en = i__valid & %1;", "assign w_en = i__valid & i__last;"),
            ("taken_last_mux_S_Y = taken_last ? ", "taken_last_mux_S_Y = 1'b0 ? "))),
        ("_whole", "the same, each group a beat", 20, 4, (
            ("assign i__space_sdff_Q_D = ", "assign i__space_sdff_Q_D = i__space | "),)),
        ("_1", "the same, interval 1", 13, 1, (
            ("assign i__space_sdff_Q_D = ", "assign i__space_sdff_Q_D = i__space | "),))))

ENDS = march_ending(
    "march_ends", "a self-test ends, however long it waits for each of what it waits for",
    CoreConfig(macro=MacroConfig(rows=2, columns=5, banks=2), input_stream_bits=32, weight_stream_bits=32), (
        # It waits for samples of a row that is written; for a beat for ever; and not for vectors of others to end.
        ("assign is_done = step[0] ? %1 : %2;", "assign is_done = %1;"),
        ("%1_Y_A = beat + 1'h1", "%1_Y_A = beat"),
        ("is_long_mux_S_A = waited + 1'h1", "is_long_mux_S_A = waited"),
        # It offers nothing; and no operation is the last.
        ("load__valid_sdffe_Q_D = makes ? %1 : %2;", "load__valid_sdffe_Q_D = makes ? 1'b0 : %2;"),
        ("done_sdff_Q_D = %1 & %2;", "done_sdff_Q_D = 1'b0;")), cover_depth=64, bug_depth=64)

# Both halves of the requantizer: its multiplications, and from whatever they give to the result.
REQUANTIZER = (
    lane("requantizer_products", "the four products of a requantizer's lane are those of the pieces of its factors",
         "requantizer_products", "int8", (
             ("product_lh_a <= value[15:0]", "product_lh_a <= value[16:1]"),
             # The lower piece of the multiplier is not negative, and the sum with the bias has a bit more.
             ("$signed(product_hh_a) * $signed({ 1'h0, ", "$signed(product_hh_a) * $signed({ "),
             ("value <= %1;", "value <= {%1[31], %1[31:0]};")), 7, script="flatten; opt"),
    *(lane(f"requantizer_{output}", f"a lane of the requantizer equals its definition, from its products on; {output}",
           "requantizer", output, bugs, 52, exposed=("product", "shifted_1", "beyond_1"), cover_depth=32,
           script="flatten; cutpoint t:$mul", argument="52 cycles, one shift after the other") for output, bugs in (
               ("int8", (
                   # Minus one is not taken back; rounding 3 is as 2; a shift by nothing rounds twice.
                   ("given_back_dff_Q_D = %1;", "given_back_dff_Q_D = 1'b0;"),
                   ("= settings[1] & %1;", "= settings[1];"),
                   ("$signed(parameters[69:64]) < $signed(1'h0)", "$signed(parameters[69:64]) <= $signed(2'h1)"),
                   # Overflow of the first step is lost; the limit is the other.
                   ("beyond_16_or_A_Y = beyond_16 | %1;", "beyond_16_or_A_Y = %1;"),
                   ("< $signed(settings[17:10])", "< $signed(settings[25:18])"))),
               ("int16", (
                   ("negative_4 <= negative_3", "negative_4 <= negative_5"),
                   ("above_dff_Q_D = beyond ? ", "above_dff_Q_D = 1'b0 ? "),
                   ("given_back_dff_Q_D = %1;", "given_back_dff_Q_D = negative_4;"))))),
)

# The lowest product of the first adder of the first level, and a bug.
FIRST_CELL = tuple(f"INIT1(16'h{table}),\n    .INJECT1_0(\"NO\"),\n    .INJECT1_1(\"NO\")\n  ) level1_0_cell0 ("
                   for table in ("7888", "7887"))

TREE_PROOFS = (
    level_sums("tree_256", "a carry-chain tree of 256 rows gives the sum, for all weights and planes", 256, "generic", (
        ("level1_0_16) +", "level1_0_16) -"),
        ("level3_0_5 <= %1;", "level3_0_5 <= %1 ^ 1;")), solvers=("yices",)),
    level_sums("tree_256_ecp5", "the same of ECP5 carry cells", 256, "ecp5", (
        FIRST_CELL,), solvers=("yices",)),
    level_sums("tree_13", "a carry-chain tree of 13 rows, some of which find no partner", 13, "generic", (
        ("late_1 <= late_0", "late_1 <= plane[12]"),
        ("level2_0_2) +", "level2_0_2) -")), weight_bits=5),
    level_sums("tree_13_ecp5", "the same of ECP5 carry cells", 13, "ecp5", (
        FIRST_CELL,), weight_bits=5),
    *(Property(f"tree_save_{rows}", f"a carry-save tree of {rows} rows of {bits} bits gives the sum", "tree_cells",
               MacroConfig(rows=rows, columns=1, weight_bits=bits, input_bits=1, tree="carry_save"), "adder_tree", (
                   (".c(product_2_0)", ".c(product_2_1)"),
                   ("= a + b", "= a | b", "full_adder"),
                   ("product_1_1 = ~ ", "product_1_1 = ")), 2, "bmc", taps=cells(rows, bits),
               also=lambda design, rows=rows, bits=bits: compressed(
                   next(iter(design.modules.values())), rows, bits),
               defines={"ROWS": rows, "BITS": bits, "WIDTH": bits + (rows - 1).bit_length(), "ADDERS": adders},
               argument="induction over adders", solvers=solvers)
      for rows, bits, adders, solvers in ((13, 5, 63, ("yices", "z3")), (256, 8, 2040, ("yices",)))),
    table_sums("table_256", "a table column of 256 rows adds up its tables, and calibrates",
               MacroConfig(rows=256, columns=1, input_bits=1, banks=2, column="table"), (
                   ("level1_0_16) +", "level1_0_16) -"),
                   ("= calibrate & calibrate_and_A_B;", "= 1'b0 & calibrate_and_A_B;")), solvers=("yices",)),
)

ONES = MacroConfig(rows=23, columns=1, weight_bits=1, input_bits=1, column="table")
DATA = (
    Property("plane_skip", "planes that are skipped change no value, and none is driven in vain", "drivers",
             MacroConfig(rows=33, columns=1, weight_bits=1, input_bits=5), "drivers", (
                 ("bits > 2'h3", "bits > 3'h4"), ("is_signed ? { x[163]", "1'b1 ? { x[163]"),
                 ("if (dispatch) driven <= waiting", "if (dispatch) driven <= {waiting[131:0], waiting[164:132]}")), 3,
             exposed=("waiting", "driven"), defines={"ROWS": 33, "BITS": 5}, solvers=("yices",)),
    Property("plane_skip_deep", "the same, of planes that are looked for while a vector waits", "deep_drivers",
             MacroConfig(rows=23, columns=1, weight_bits=1, input_bits=5, result_interval=4), "drivers", (
                 ("if (move) ignored <= ", "ignored <= "), ("if (move) signed_waits <= ", "signed_waits <= ~")), 11,
             "bmc", cover_depth=11, defines={"ROWS": 23, "BITS": 5}, solvers=("yices",)),
    *(Property(f"driver_slice{suffix}", says, "driver_slice",
               MacroConfig(rows=13, columns=1, weight_bits=1, input_bits=4, result_interval=4), "driver_slice_13", (
                   ("if (blank) plane <= ", "if (1'b0) plane <= "), ("if (clear[2]) ", "if (1'b0) "), *bugs), 3,
               exposed=("arrived", "waiting", "driven", "load", "move", "dispatch", "enable", "blank", "clear", "index"
                        ), defines={"ROWS": 13, "BITS": 4}, solvers=("yices",), fabric=fabric)
      for suffix, fabric, says, bugs in (
          ("", "generic", "a slice of deep drivers holds and compares planes, and drives those that are chosen", ()),
          ("_ecp5", "ecp5", "the same of ECP5 carry cells and multiplexers", (
              ("""INJECT1_0("YES"),
    .INJECT1_1("YES")
  ) differs_0_cell1 (""", """INJECT1_0("NO"),
    .INJECT1_1("YES")
  ) differs_0_cell1 ("""),)))),
    *(Property(f"ones{suffix}", says, "ones", ONES, "ones_column", bugs, ONES.column_latency + 3, "bmc",
               cover_depth=ONES.column_latency + 3, solvers=("yices",), fabric=fabric,
               defines={"ROWS": ONES.rows, "LATENCY": ONES.column_latency})
      for suffix, fabric, says, bugs in (
          ("", "generic", "the column of ones counts the ones of a plane", (
              ("level1_0_0 + level1_0_1", "level1_0_0 - level1_0_1"),)),
          ("_ecp5", "ecp5", "the same of ECP5 carry cells, whose carries are rows", (
              ("if (enable) carry_0 <= ", "if (enable) carry_0 <= ~"), ("late_0 <= ", "late_0 <= ~"))))),
    summed("accumulator", "accumulators and totals never overflow, and their bounds are reached", 5, 3, 3, 3, (
        ("1'h0, carry_q", "1'h0, 1'h0"), ("shift_q ? ", "1'b1 ? ")), depth=2, cover_depth=16),
    summed("accumulator_64", "the same, 64 rows of 8 bits, inputs of 8 bits, two vectors", 64, 8, 8, 2, (
        ("total <= %1;", "total <= {%1[21], %1[21:0]};"),), depth=2, cover_depth=22, bug_depth=22,
        solvers=("yices",)),
)

SMALL = MacroConfig(rows=4, columns=2, weight_bits=2, input_bits=3, banks=2, fuse=2, max_accumulations=2)
AHEAD = MacroConfig(rows=4, columns=2, weight_bits=2, input_bits=3, banks=2, fuse=2, max_accumulations=2,
                    column="table", result_interval=2)
FURTHER_AHEAD = replace(AHEAD, result_interval=4)
# As in a core for ECP5, whose columns are not fused.
FURTHER_PLAIN = replace(FURTHER_AHEAD, fuse=1)
CONTROL = (
    controlled("controller", "a result for each vector, in order; no bank read and written; reset; interval 1", SMALL, (
        ("if (rst) o_valid <=", "if (1'b0) o_valid <="),
        ("= hold_0_0 & ", "= 1'b0 & "),
        ("else if (enable) loads_0 <= _plane_last", "else loads_0 <= _plane_last"),
        ("started <= 1'h0", "started <= 1'h1"),
        # A result is complete with the enable that the output has not yet decided.
        ("= enable ? loads_2 : complete_0;", "= pipeline_enable ? loads_2 : complete_0;")),
        depth=3, cover_depth=24, bug_depth=20),
    controlled("controller_2", "the same, interval 2", AHEAD, (
        ("if (rst) o_valid <=", "if (1'b0) o_valid <="),
        ("= on_wordlines & ", "= 1'b0 & "),
        ("else i_ready <= %1;", "else i_ready <= %1 | 1'b1;")), depth=3, cover_depth=24, bug_depth=20),
    controlled("controller_4", "the same, interval 4", FURTHER_AHEAD, (
        ("if (rst) o_valid <=", "if (1'b0) o_valid <="),
        ("= on_wordlines & bank;", "= 1'b0;"),
        # A result that comes in between is forgotten, and a vector goes before its tables are complete, or too early.
        ("or_Y_B = will_enable & ", "or_Y_B = 1'b0 & "),
        ("else waited <= %1;", "else waited <= 1'b1;"),
        ("add_B_Y <= 2'h2;", "add_B_Y <= 2'h3;"),
        ("following <= following_dff_Q_D;", "following <= ~following_dff_Q_D;")), depth=4, cover_depth=28,
        bug_depth=24),
    controlled("controller_4_plain", "the same, interval 4, without fused columns", FURTHER_PLAIN, (
        ("if (rst) o_valid <=", "if (1'b0) o_valid <="),
        ("= on_wordlines & bank;", "= 1'b0;"),
        # The blocks load a total whether the pipeline advances; and it does behind a result that waits.
        ("control_load = will_enable & ", "control_load = 1'b1 & "),
        ("enable_2_sdff_Q_D = ~ %1;", "enable_2_sdff_Q_D = 1'b1;"),
        ("else waited <= %1;", "else waited <= 1'b1;"),
        ("add_B_Y <= 2'h2;", "add_B_Y <= 2'h3;")), depth=4, cover_depth=28, bug_depth=24),
    controlled("controller_broadcast", "the same, interval 4, with a broadcast", replace(FURTHER_AHEAD, broadcast=1), (
        ("= hold_1_0 & hold_bank_1_0;", "= 1'b0;"),
        # A total is loaded a step too early, or whether the pipeline advances.
        ("control_load = next_complete & ", "control_load = next_complete | "),
        ("loads_3 <= loads_2", "loads_3 <= loads_1")), depth=4, cover_depth=30, bug_depth=26),
    controlled("response", "each vector's result comes within 20 cycles if results are taken; interval 1", SMALL, (
        ("= ~ busy;", "= busy;"),), depth=22, mode="bmc", cover_depth=3,
        defines={"WITHIN": 20}),
    controlled("response_2", "the same, within 32 cycles; interval 2", AHEAD, (
        ("= ~ busy;", "= busy;"),), depth=34, mode="bmc", cover_depth=3,
        defines={"WITHIN": 32}),
    controlled("response_4", "the same, within 64 cycles; interval 4", FURTHER_AHEAD, (
        ("= ~ busy;", "= busy;"),), depth=66, mode="bmc", cover_depth=3,
        defines={"WITHIN": 64}, solvers=("yices",)),
)

FUSED = (
    fused("fuse_2", "two fused columns do not overflow, and their bounds are reached", SMALL, (
        # A bit too few, at each of its two registers; a correction by another total; and stages that do not wait.
        ("slice_0 <= %1;", "slice_0 <= {%1[7], %1[7:0]};"),
        ("{ slice_1, 2'h0 }", "{ slice_1[6], slice_1[6:0], 2'h0 }"),
        ("totals[7:0]) + ", "totals[7:0]) - "),
        ("if (load[1]) y <= ", "y <= "))),
    fused("fuse_4", "the same of four columns of 16 rows of 8 bits, inputs of 8 bits, over 64 vectors",
          MacroConfig(rows=16, columns=4, fuse=4, max_accumulations=64), (
              ("slice_2 <= %1;", "slice_2 <= {%1[25], %1[25:0]};"),
              ("{ pair1_1, 16'h0000 }", "{ pair1_1[31], pair1_1[31:0], 16'h0000 }"),
              ("mode[1:0] >= 2'h2", "mode[1:0] >= 2'h3"))),
)

# From the streams to the result: every step between them, in macros small enough.
WHOLE = (
    whole("macro", "a macro of bitcells gives the product, for all weights and inputs",
          MacroConfig(rows=3, columns=1, weight_bits=2, input_bits=2, banks=2), 22, (
              ("is_signed ? ", "1'b1 ? ", "drivers"),
              ("write_weights <= weights", "write_weights <= ~weights", "row_decoder")),
          solvers=("yices",)),
    whole("macro_table", "a macro of tables gives the product, from the writing of the tables on",
          MacroConfig(rows=5, columns=1, weight_bits=2, input_bits=1, banks=2, column="table"), 52, (
              ("codes[0] = ~ ", "codes[0] = ", "encoder"), ("sign_0 <= ", "sign_0 <= ~", "lut_ram_columns_1"),
              # A step that adds a weight once, and entries that take it twice from the first one on.
              ("= twice ? ", "= 1'b0 ? ", "lut_ram_entry_adder"),
              ("twice_0 <= ", "twice_0 <= 1'b1 | ", "lut_ram_writer")),
          solvers=("yices",), script="memory_map"),
    whole("macro_table_2", "the same with two table writers",
          MacroConfig(rows=5, columns=1, weight_bits=2, input_bits=1, banks=2, column="table", table_writers=2), 40, (
              ("twice_0 <= ", "twice_0 <= 1'b1 | ", "lut_ram_writer_1"),
              ("= fresh & fresh_found[0];", "= 1'b0;", "lut_ram_writer_1")),
          solvers=("yices",), script="memory_map"),
)

PROPERTIES = {proof.name: proof for proof in (*BUS_PROOFS, *STREAMS, MARCH, *GROUPS, *BEATS, ENDS, *REQUANTIZER,
                                              *TREE_PROOFS, *DATA, *CONTROL, *FUSED, *WHOLE)}
# Those that are proved in the shortest time, seconds each; the tests run them.
FASTEST = ("apb", "wishbone", "axi_lite", "lock", "loader", "packer", "tracker", "groups", "groups_4", "assembler",
           "items", "controller", "controller_2", "response")
