// The AXI4-Lite port against any master that keeps the protocol and any register file that answers in the next cycle,
// with resets in any cycle.
module check (
    input clk,
    input [11:0] awaddr, araddr, input [2:0] awprot, arprot, input [31:0] wdata, input [3:0] wstrb,
    input awvalid, wvalid, bready, arvalid, rready,
    input [31:0] answer, input refuse, reset
);
    wire awready, wready, bvalid, arready, rvalid, enable, write;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata, data;
    wire [11:0] address, write_address, read_address;
    wire [3:0] strobe;
    reg [31:0] read_data;
    reg refused;
    reg started = 0;
    wire rst = !started || reset;

    `DUT dut (.clk(clk), .rst(rst), .awaddr(awaddr), .awprot(awprot), .awvalid(awvalid), .awready(awready),
        .wdata(wdata), .wstrb(wstrb), .wvalid(wvalid), .wready(wready), .bresp(bresp), .bvalid(bvalid),
        .bready(bready), .araddr(araddr), .arprot(arprot), .arvalid(arvalid), .arready(arready), .rdata(rdata),
        .rresp(rresp), .rvalid(rvalid), .rready(rready), .bus__enable(enable), .bus__write(write),
        .bus__address(address), .bus__data(data), .bus__strobe(strobe), .bus__read_data(read_data),
        .bus__refused(refused), .write_address(write_address), .read_address(read_address), .awake(awake));

    // Accesses that were accepted and not answered, and whether they have reached the registers.
    reg has_aw = 0, has_w = 0, has_ar = 0, written = 0, was_read = 0;
    reg [11:0] aw, ar;
    reg [31:0] w;
    reg [3:0] strb;
    reg [2:0] waits = 0;
    // Accesses of the other kind that went first.
    reg [1:0] before_read = 0, before_write = 0;
    // Nothing is accepted in the first cycle after a reset, when a master may not see the response.
    reg was_reset = 1;
    wire awake;

    always @(posedge clk) begin
        started <= 1;
        if (enable) begin
            read_data <= answer;
            refused <= refuse;
        end
        if (awvalid && awready) begin has_aw <= 1; aw <= awaddr; end
        if (wvalid && wready) begin has_w <= 1; w <= wdata; strb <= wstrb; end
        if (arvalid && arready) begin has_ar <= 1; ar <= araddr; end
        if (enable && write) written <= 1;
        if (enable && !write) was_read <= 1;
        if (bvalid && bready) begin has_aw <= 0; has_w <= 0; written <= 0; end
        if (rvalid && rready) begin has_ar <= 0; was_read <= 0; end
        waits <= (has_ar || has_aw && has_w) && !bvalid && !rvalid ? waits + 1 : 0;
        if (!has_ar || rvalid && rready) before_read <= 0; else if (enable && write) before_read <= before_read + 1;
        if (!(has_aw && has_w) || bvalid && bready) before_write <= 0; else if (enable && !write) before_write <= before_write + 1;
        was_reset <= rst;
        if (rst) begin
            has_aw <= 0; has_w <= 0; has_ar <= 0; written <= 0; was_read <= 0; waits <= 0; before_read <= 0; before_write <= 0;
        end
    end

    always @(posedge clk) if (started) begin
        // The master keeps its offers stable.
        if ($past(!rst && awvalid && !awready)) assume (awvalid && $stable(awaddr));
        if ($past(!rst && wvalid && !wready)) assume (wvalid && $stable(wdata) && $stable(wstrb));
        if ($past(!rst && arvalid && !arready)) assume (arvalid && $stable(araddr));

        // Responses belong to requests, are stable until accepted, and have the values of the registers.
        if (bvalid) assert (has_aw && has_w && written);
        if (rvalid) assert (has_ar && was_read);
        if ($past(!rst && bvalid && !bready)) assert (bvalid && $stable(bresp));
        if ($past(!rst && rvalid && !rready)) assert (rvalid && $stable(rresp) && $stable(rdata));
        if (bvalid) assert (bresp == (refused ? 2 : 0));
        if (rvalid) assert (rresp == (refused ? 2 : 0) && rdata == read_data);

        // Each access reaches the registers once, as it was made.
        if (enable && write) assert (has_aw && has_w && !written && address == aw && data == w && strobe == strb);
        if (enable && !write) assert (has_ar && !was_read && address == ar);

        // Nothing is accepted without room, and everything is answered within bounds.
        assert (awake == !was_reset);
        assert (awready == (awake && !has_aw) && wready == (awake && !has_w) && arready == (awake && !has_ar));
        assert (waits <= 2);
        // Who waits is passed by one other at most.
        assert (before_read <= 1 && before_write <= 1);

        // Invariants between the two sides, for the induction.
        assert (bvalid == written && rvalid == was_read);
        assert (!(written && was_read));
        assert (!written || has_aw && has_w);
        assert (!was_read || has_ar);
        if (before_read == 1) assert (written || was_read || !has_aw && !has_w);
        if (before_write == 1) assert (written || was_read || !has_ar);
        if (has_aw) assert (write_address == aw);
        if (has_w) assert (data == w && strobe == strb);
        if (has_ar) assert (read_address == ar);

        cover (bvalid && bready && bresp == 2);
        cover (rvalid && rready && rresp == 0 && has_aw && has_w);
        cover (bvalid && !bready && arvalid);
        cover (awvalid && awready && $past(reset && bvalid, 2));
        cover (before_read == 1 && rvalid);
    end
endmodule
