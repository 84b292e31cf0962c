// The AXI4-Lite port against any master that keeps the protocol and any register file that answers when it should, or
// later, with resets in any cycle.
module check (
    input clk,
    input [11:0] awaddr, araddr, input [2:0] awprot, arprot, input [31:0] wdata, input [3:0] wstrb,
    input awvalid, wvalid, bready, arvalid, rready,
    input [31:0] answer, input refuse, hold, reset
);
    wire awready, wready, bvalid, arready, rvalid, enable, write;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata, data;
    wire [11:0] address, write_address, read_address;
    wire [3:0] strobe;
    // Of the register file: the last read's data, and whether the last access was refused.
    reg [31:0] read_data;
    reg refused;
    // An access under way there, a bit a cycle, held in its first, and whether it is a write.
    reg [`CYCLES-1:0] way = 0;
    reg is_write;
    wire done = way[`CYCLES-1], held = hold && way[0], pending, writes;
    reg started = 0;
    wire rst = !started || reset;

    `DUT dut (.clk(clk), .rst(rst), .awaddr(awaddr), .awprot(awprot), .awvalid(awvalid), .awready(awready),
        .wdata(wdata), .wstrb(wstrb), .wvalid(wvalid), .wready(wready), .bresp(bresp), .bvalid(bvalid),
        .bready(bready), .araddr(araddr), .arprot(arprot), .arvalid(arvalid), .arready(arready), .rdata(rdata),
        .rresp(rresp), .rvalid(rvalid), .rready(rready), .bus__enable(enable), .bus__write(write),
        .bus__address(address), .bus__data(data), .bus__strobe(strobe), .bus__read_data(read_data),
        .bus__refused(refused), .bus__done(done), .write_address(write_address), .read_address(read_address),
        .awake(awake), .pending(pending), .writes(writes));

    // Accesses that were accepted and not answered, whether they have reached the registers, whether these have answered,
    // and with what response.
    reg has_aw = 0, has_w = 0, has_ar = 0, written = 0, was_read = 0, write_done = 0, read_done = 0;
    reg [11:0] aw, ar;
    reg [31:0] w, read;
    reg [3:0] strb;
    reg write_refused, read_refused;
    // Cycles in which a whole access has waited for the registers, whatever the other channels do, but for those in which
    // they hold one.
    reg [3:0] write_waits = 0, read_waits = 0;
    // Writes that went before a read that waits.
    reg [1:0] before_read = 0;
    // Nothing is accepted in the first cycle after a reset, when a master may not see the response.
    reg was_reset = 1;
    // Reads and writes that were made and answered while the other channel's response waited all the time.
    reg read_passed = 0, write_passed = 0;
    wire awake;
    wire [3:0] stage = way[0] ? 0 : way[1] ? 1 : 2;

    always @(posedge clk) begin
        started <= 1;
        way <= held ? way : {way, enable};
        if (enable) is_write <= write;
        if (way[`CYCLES-2]) refused <= refuse;
        if (way[`CYCLES-2] && !is_write) read_data <= answer;
        if (done && is_write) begin write_done <= 1; write_refused <= refused; end
        if (done && !is_write) begin read_done <= 1; read_refused <= refused; read <= read_data; end
        if (awvalid && awready) begin has_aw <= 1; aw <= awaddr; end
        if (wvalid && wready) begin has_w <= 1; w <= wdata; strb <= wstrb; end
        if (arvalid && arready) begin has_ar <= 1; ar <= araddr; end
        if (enable && write) written <= 1;
        if (enable && !write) was_read <= 1;
        if (bvalid && bready) begin has_aw <= 0; has_w <= 0; written <= 0; write_done <= 0; end
        if (rvalid && rready) begin has_ar <= 0; was_read <= 0; read_done <= 0; end
        write_waits <= has_aw && has_w && !bvalid ? write_waits + !held : 0;
        read_waits <= has_ar && !rvalid ? read_waits + !held : 0;
        if (!has_ar || rvalid) before_read <= 0; else if (enable && write) before_read <= before_read + 1;
        read_passed <= bvalid && !bready && (read_passed || arvalid && arready);
        write_passed <= rvalid && !rready && (write_passed || awvalid && awready && wvalid && wready);
        was_reset <= rst;
        if (rst) begin
            has_aw <= 0; has_w <= 0; has_ar <= 0; written <= 0; was_read <= 0; write_waits <= 0; read_waits <= 0;
            before_read <= 0; read_passed <= 0; write_passed <= 0; refused <= 0; way <= 0; write_done <= 0; read_done <= 0;
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
        if (bvalid) assert (bresp == (write_refused ? 2 : 0));
        if (rvalid) assert (rresp == (read_refused ? 2 : 0) && rdata == read);

        // Each access reaches the registers once, as it was made.
        if (enable && write) assert (has_aw && has_w && !written && address == aw && data == w && strobe == strb);
        if (enable && !write) assert (has_ar && !was_read && address == ar);

        // Nothing is accepted without room.
        assert (awake == !was_reset);
        assert (awready == (awake && !has_aw) && wready == (awake && !has_w) && arready == (awake && !has_ar));
        // One access at a time.
        assert (!(enable && |way));
        // Everything is answered within bounds, also while the response to the other kind is not accepted: a write
        // waits for one read at most, and a read for one write.
        assert (write_waits <= `CYCLES * 2 + 1 && read_waits <= `CYCLES * 2 + 1 + before_read && before_read <= 1);

        // Invariants between the two sides, for the induction.
        assert ((way & way - 1'b1) == 0 && pending == |way && (!pending || writes == is_write));
        assert (bvalid == write_done && rvalid == read_done);
        assert (written == (write_done || pending && is_write) && was_read == (read_done || pending && !is_write));
        assert (!(write_done && pending && is_write) && !(read_done && pending && !is_write));
        // How long each has waited where it is.
        if (has_aw && has_w && !bvalid) assert (write_waits <= (written ? `CYCLES + 1 + stage : pending ? stage : `CYCLES));
        if (has_ar && !rvalid && !was_read) assert (read_waits <= (pending ? stage + before_read : `CYCLES + before_read));
        if (has_ar && !rvalid && was_read) assert (read_waits <= `CYCLES + 1 + before_read + stage);
        if (before_read == 1 && !was_read && pending) assert (is_write);
        if (before_read == 1 && !was_read && !pending) assert (bvalid || !has_aw || !has_w);
        assert (!written || has_aw && has_w);
        assert (!was_read || has_ar);
        if (has_aw) assert (write_address == aw);
        if (has_w) assert (data == w && strobe == strb);
        if (has_ar) assert (read_address == ar);
        if (read_done) assert (read == read_data);

        cover (bvalid && bready && bresp == 2);
        cover (rvalid && rready && rresp == 0 && has_aw && has_w);
        cover (bvalid && !bready && arvalid);
        cover (awvalid && awready && $past(reset && bvalid, 2));
        cover (before_read == 1 && rvalid);
        // A read is made and answered while the response to a write waits, and the other way round.
        cover (read_passed && rvalid && rready && rresp == 0 && bvalid && bresp == 2);
        cover (write_passed && bvalid && bready && bresp == 2 && rvalid && rresp == 0);
    end
endmodule
