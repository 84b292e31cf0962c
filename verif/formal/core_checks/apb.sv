// The APB port against any master that keeps the protocol and any register file that answers when it should, or later,
// with resets in any cycle.
module check (
    input clk, input psel, penable, pwrite, input [11:0] paddr, input [2:0] pprot, input [31:0] pwdata,
    input [3:0] pstrb, input [31:0] answer, input refuse, hold, reset
);
    wire pready, pslverr, enable, write;
    wire [31:0] prdata, data;
    wire [11:0] address;
    wire [3:0] strobe;
    reg [31:0] read_data;
    reg refused;
    // The register file: an access under way, a bit a cycle, held in its first.
    reg [`CYCLES-1:0] way = 0;
    wire done = way[`CYCLES-1];
    reg started = 0, asked = 0;
    wire pending, asked_dut;
    wire rst = !started || reset;

    `DUT dut (.clk(clk), .rst(rst), .paddr(paddr), .pprot(pprot), .psel(psel), .penable(penable), .pwrite(pwrite), .pwdata(pwdata),
        .pstrb(pstrb), .pready(pready), .prdata(prdata), .pslverr(pslverr), .bus__enable(enable), .bus__write(write),
        .bus__address(address), .bus__data(data), .bus__strobe(strobe), .bus__read_data(read_data),
        .bus__refused(refused), .bus__done(done), .pending(pending), .asked(asked_dut));

    always @(posedge clk) begin
        started <= 1;
        way <= rst ? 0 : hold && way[0] ? way : {way, enable};
        asked <= !rst && (enable || asked && !done && psel);
        if (way[`CYCLES-2]) begin
            read_data <= answer;
            refused <= refuse;
        end
    end

    always @(posedge clk) begin
        // The master: an access phase follows each setup phase, and nothing else, except resets; its request is stable.
        if (!started) assume (!penable);
        else begin
            assume (penable == $past(psel && !penable || psel && penable && !pready) || $past(rst) && !penable);
            if (penable) assume (psel && $stable(pwrite) && $stable(paddr) && $stable(pwdata) && $stable(pstrb));

            // Each transfer reaches the registers once: in its setup phase, unless in reset.
            assert (enable == (psel && !pending));
            assert ((way & way - 1'b1) == 0 && pending == |way && asked_dut == asked && (!asked || |way));
            if (pending) assert (psel && penable && asked);
            if (psel && !penable) assert (enable);
            if (enable) assert (write == pwrite && address == paddr && data == pwdata && strobe == pstrb);
            // It ends in time, with the response of the registers.
            assert (pready == (asked && done));
            if (pready) assert (pslverr == refused && prdata == read_data);
            if (!(psel && penable && pready)) assert (!pslverr);

            cover (psel && penable && enable);
            cover (psel && penable && pready && $past(reset, `CYCLES + 1) && $past(psel && penable));
            cover (psel && penable && pready && pslverr && pwrite);
            cover (psel && penable && pready && !pslverr && !pwrite && $past(pready, `CYCLES + 1));
        end
    end
endmodule
