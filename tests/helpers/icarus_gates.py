"""How often the nets of a netlist of cells toggle in Icarus Verilog."""

import subprocess

from bitline.scripts.asic.cells.functions import variables

BENCH = """`timescale 1ns/1fs
module bench;
{nets}
  reg counting = 0;
  integer taken = 0;
{counters}
{gates}
{streams}
endmodule
"""


def toggles_of_icarus(netlist, streams, results, delays, period, folder):
    """Changes of each net, by number, from the first item of the last stream to the last result.

    Parameters
    ----------
    netlist : Netlist
        Of cells without latches and clock gates.
    streams : list of Stream
        With handshakes; each begins when the one before is through.
    results : Results
    delays : list of (float, float)
        Of the outputs of each cell, rising and falling, ns.
    period : float
        ns.
    folder : Path
    """
    (folder / "bench.v").write_text(_bench(netlist, streams, results, delays, period), encoding="utf-8")
    subprocess.run(["iverilog", "-g2012", "-o", folder / "bench", folder / "bench.v"], check=True)
    done = subprocess.run(["vvp", folder / "bench"], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def _bench(netlist, streams, results, delays, period):
    clock, reset = (netlist.ports[name][1][0] for name in ("clk", "rst"))
    inputs = {net for is_input, nets in netlist.ports.values() if is_input for net in nets}
    lines = ["  assign n0 = 1'b0, n1 = 1'b1;", *(f"  assign n{net} = d{net};" for net in sorted(inputs))]
    for instance, (rise, fall) in zip(netlist.instances, delays):
        lines += _gate(instance, f"#({rise:.6f}, {fall:.6f})")
    body = [f"  initial begin d{reset} = 1; #{period};",
            f"    forever begin d{clock} = 1; #{period / 2}; d{clock} = 0; #{period / 2}; end", "  end"]
    # Handshakes are looked at just before the edge, and inputs change just after it.
    total = [len(stream.items) for stream in streams]
    for number, stream in enumerate(streams):
        width = len(stream.nets)
        body += [f"  reg [{width - 1}:0] items_{number} [0:{total[number] - 1}];", f"  integer next_{number} = 0;",
                 "  initial begin", *(f"    items_{number}[{index}] = {width}'h{item:x};"
                                      for index, item in enumerate(stream.items)), "  end"]
    body += ["  integer cycle = 0;", f"  initial begin #{period - 0.000001}; forever begin",
             "    if (cycle >= 3) begin"]
    body += [f"      if (n{stream.valid} && n{stream.ready}) next_{number} = next_{number} + 1;"
             for number, stream in enumerate(streams)]
    body += [f"      if (n{results.valid}) taken = taken + 1;",
             f"      if (taken == {results.count}) begin",
             *(f'        $display("%0d", count_{net});' for net in range(netlist.nets)),
             "        $finish;", "      end", "    end", "    #0.000002;"]
    body += [f"    if (cycle == 2) d{reset} = 0;", f"    d{results.ready} = 1;",
             "    if (cycle >= 3) begin"]
    for number, stream in enumerate(streams):
        offers = f"next_{number} < {total[number]}"
        if number:
            offers += f" && next_{number - 1} == {total[number - 1]}"
        body += [f"      d{stream.valid} = {offers};", f"      if ({offers}) begin"]
        if number == len(streams) - 1:
            body.append("        counting = 1;")
        body += [f"        d{net} = items_{number}[next_{number}][{bit}];"
                 for bit, net in enumerate(stream.nets)]
        body.append("      end")
    body += ["    end", f"    cycle = cycle + 1; #{period - 0.000002};", "  end end"]
    counters = [f"  integer count_{net} = 0; always @(n{net}) if (counting) count_{net} = count_{net} + 1;"
                for net in range(netlist.nets)]
    # A vector of all nets would be looked at as a whole with each change.
    nets = [*(f"  wire n{net};" for net in range(netlist.nets)), *(f"  reg d{net} = 0;" for net in sorted(inputs))]
    return BENCH.format(nets="\n".join(nets), counters="\n".join(counters), gates="\n".join(lines),
                        streams="\n".join(body))


def _gate(instance, delay):
    """A cell in Verilog."""
    cell, pins = instance.cell, instance.pins
    if cell.storage:
        state = f"s{pins[next(pin for pin in cell.outputs if pin in pins)]}"
        clock, data = (pins[variables(text)[0]] for text in (cell.storage.clock, cell.storage.data))
        return [f"  reg {state} = 0; always @(posedge n{clock}) {state} <= n{data};",
                *(f"  assign {delay} n{pins[pin]} = {state};" for pin in cell.outputs if pin in pins)]
    lines = []
    for output, table in cell.tables.items():
        if output in pins:
            size = 1 << len(cell.inputs)
            index = ", ".join(f"n{pins[pin]}" for pin in reversed(list(cell.inputs)))
            name = f"t{pins[output]}"
            lines.append(f"  wire [{size - 1}:0] {name} = {size}'b{table:0{size}b}; "
                         f"assign {delay} n{pins[output]} = {name}[{{{index}}}];")
    return lines
