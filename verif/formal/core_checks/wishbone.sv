// The Wishbone port against any master that keeps the protocol and any register file that answers when it should, or
// later, with resets in any cycle.
module check (
    input clk, input cyc, stb, we, input [11:0] adr, input [31:0] dat_w, input [3:0] sel,
    input [31:0] answer, input refuse, hold, reset
);
    wire ack, err, enable, write;
    wire [31:0] dat_r, data;
    wire [11:0] address;
    wire [3:0] strobe;
    reg [31:0] read_data;
    reg refused;
    // The register file: an access under way, a bit a cycle, held in its first.
    reg [`CYCLES-1:0] way = 0;
    wire done = way[`CYCLES-1], held = hold && way[0];
    reg started = 0, asked = 0;
    // Cycles in which a request has been there without an answer, but for those in which the register file holds one.
    reg [3:0] waits = 0;
    wire [3:0] stage = way[0] ? 0 : way[1] ? 1 : 2;
    wire pending, asked_dut;
    wire rst = !started || reset;

    `DUT dut (.clk(clk), .rst(rst), .cyc(cyc), .stb(stb), .we(we), .adr(adr), .dat_w(dat_w), .sel(sel), .dat_r(dat_r),
        .ack(ack), .err(err), .bus__enable(enable), .bus__write(write), .bus__address(address), .bus__data(data),
        .bus__strobe(strobe), .bus__read_data(read_data), .bus__refused(refused),
        .bus__done(done), .pending(pending), .asked(asked_dut));

    always @(posedge clk) begin
        started <= 1;
        way <= rst ? 0 : held ? way : {way, enable};
        waits <= rst || !cyc || !stb || ack || err ? 0 : waits + !held;
        asked <= !rst && (enable || asked && !done && cyc && stb);
        if (way[`CYCLES-2]) begin
            read_data <= answer;
            refused <= refuse;
        end
    end

    always @(posedge clk) if (started) begin
        assert (!(ack && err));
        // Every request that stays is answered, the last cycle being this one, also if it waits for one that was withdrawn.
        assert (waits <= 2 * `CYCLES);
        // It is answered once, and there are no other answers; one that is withdrawn has none.
        assert ((ack || err) == (cyc && stb && asked && done));
        assert ((way & way - 1'b1) == 0 && pending == |way && asked_dut == asked && (!asked || |way));
        // For the induction: how long each has waited where it is.
        assert (waits <= (asked ? `CYCLES + 1 + stage : pending ? stage : `CYCLES));
        if (ack) assert (!refused && dat_r == read_data);
        if (err) assert (refused);
        // Each request reaches the registers once, as it was made.
        if (enable) assert (cyc && stb && write == we && address == adr && data == dat_w && strobe == sel);
        assert (!(enable && |way));

        cover (ack && we && $past(started) && $past(ack, `CYCLES + 1));
        cover (err && !we);
        cover (ack && waits == 2 * `CYCLES);
        cover (ack && $past(reset && cyc && stb, `CYCLES + 1));
        cover (ack && $past(cyc && stb, `CYCLES) && $past(!stb, `CYCLES + 1) && $past(pending, `CYCLES + 1));
    end
endmodule
