// A whole core with anything on its inputs and resets in any cycle, by the rules of AXI4-Stream: an offered beat of
// results stays as it is until it is accepted, its bytes are kept from the lowest on, and a reset ends every offer. From
// the first cycle of the lock on, the macro is given no row, but by a self-test. That
// no output depends on an input of the same cycle, but where the bus has it so, is decided without a solver.
module check (
    input clk, reset, input [`IN-1:0] in_data, input [`IN/8-1:0] in_keep, input in_last, in_valid,
    input [63:0] load_data, input [7:0] load_keep, input load_last, load_valid, out_ready,
    input [11:0] address, address_2, input [31:0] word, input [3:0] strobe, input [6:0] bus
);
    wire in_ready, load_ready, valid, last, answered;
    wire [63:0] data;
    wire [7:0] keep;
    // Within the design, once it is flattened.
    (* hierconn *) wire \dut.core.registers.lock__locked__data , \dut.core.self_test.takeover__active ;
    (* hierconn *) wire \dut.core.macro.write__valid ;
    reg started = 0;
    wire rst = reset || !started;

    `DUT dut (
`ifdef AXI
        .aclk(clk), .aresetn(!rst), .s_axi_awaddr(address), .s_axi_awprot(3'b0), .s_axi_awvalid(bus[0]),
        .s_axi_wdata(word), .s_axi_wstrb(strobe), .s_axi_wvalid(bus[1]), .s_axi_bready(bus[2]),
        .s_axi_araddr(address_2), .s_axi_arprot(3'b0), .s_axi_arvalid(bus[3]), .s_axi_rready(bus[4]),
        .s_axi_bvalid(answered),
`elsif WISHBONE
        .aclk(clk), .aresetn(!rst), .wb_cyc(bus[0]), .wb_stb(bus[1]), .wb_we(bus[2]), .wb_adr(address),
        .wb_dat_w(word), .wb_sel(strobe), .wb_ack(answered),
`else
        .aclk(clk), .aresetn(!rst), .s_apb_psel(bus[0]), .s_apb_penable(bus[1]), .s_apb_pwrite(bus[2]),
        .s_apb_paddr(address), .s_apb_pprot(3'b0), .s_apb_pwdata(word), .s_apb_pstrb(strobe),
        .s_apb_pready(answered),
`endif
        .s_axis_tdata(in_data), .s_axis_tkeep(in_keep), .s_axis_tlast(in_last), .s_axis_tvalid(in_valid),
        .s_axis_tready(in_ready), .s_axis_w_tdata(load_data), .s_axis_w_tkeep(load_keep), .s_axis_w_tlast(load_last),
        .s_axis_w_tvalid(load_valid), .s_axis_w_tready(load_ready), .m_axis_tdata(data), .m_axis_tkeep(keep),
        .m_axis_tlast(last), .m_axis_tvalid(valid), .m_axis_tready(out_ready));

    always @(posedge clk) begin
        started <= 1;
        if (started) begin
            if ($past(started && !rst && valid && !out_ready))
                assert (valid && $stable(data) && $stable(keep) && $stable(last));
            if (\dut.core.registers.lock__locked__data && !\dut.core.self_test.takeover__active
                && !$past(started && \dut.core.self_test.takeover__active ))
                assert (!\dut.core.macro.write__valid );
            if (valid) assert (keep[0] && (keep & keep + 1'b1) == 0 && (last || &keep));
            // From the second cycle of a reset to the first one after it.
            if ($past(rst)) assert (!valid && !in_ready && !load_ready && !answered);

            cover (!rst && in_ready && in_valid && in_last);
            cover (!rst && load_ready && load_valid && !load_last);
            cover (!rst && valid && !out_ready);
            cover (!rst && answered);
        end
    end
endmodule
