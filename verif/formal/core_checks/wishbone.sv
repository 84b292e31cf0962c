// The Wishbone port against any master that keeps the protocol and any register file that answers in the next cycle,
// with resets in any cycle.
module check (
    input clk, input cyc, stb, we, input [11:0] adr, input [31:0] dat_w, input [3:0] sel,
    input [31:0] answer, input refuse, reset
);
    wire ack, err, enable, write;
    wire [31:0] dat_r, data;
    wire [11:0] address;
    wire [3:0] strobe;
    reg [31:0] read_data;
    reg refused;
    reg started = 0, asked = 0;
    wire rst = !started || reset;

    `DUT dut (.clk(clk), .rst(rst), .cyc(cyc), .stb(stb), .we(we), .adr(adr), .dat_w(dat_w), .sel(sel), .dat_r(dat_r),
        .ack(ack), .err(err), .bus__enable(enable), .bus__write(write), .bus__address(address), .bus__data(data),
        .bus__strobe(strobe), .bus__read_data(read_data), .bus__refused(refused));

    always @(posedge clk) begin
        started <= 1;
        asked <= enable && !rst;
        if (enable) begin
            read_data <= answer;
            refused <= refuse;
        end
    end

    always @(posedge clk) if (started) begin
        // The master keeps its request until it is answered, or reset.
        if ($past(!rst && cyc && stb && !ack && !err))
            assume (cyc && stb && $stable(we) && $stable(adr) && $stable(dat_w) && $stable(sel));

        assert (!(ack && err));
        // Every request is answered once, in the next cycle; there are no other answers.
        if (ack || err) assert (cyc && stb && asked);
        if ($past(!rst && cyc && stb && !ack && !err)) assert (ack || err);
        if (ack) assert (!refused && dat_r == read_data);
        if (err) assert (refused);
        // Each request reaches the registers once, as it was made.
        if (enable) assert (cyc && stb && write == we && address == adr && data == dat_w && strobe == sel);
        assert (!(enable && asked));

        cover (ack && we && $past(started) && $past(ack, 2));
        cover (err && !we);
        cover (ack && $past(reset && cyc && stb, 2));
    end
endmodule
