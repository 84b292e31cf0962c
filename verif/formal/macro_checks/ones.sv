// The column of ones: after its latency in steps of the pipeline it gives the number of ones of a plane.
module check (input clk, enable, input [`ROWS-1:0] plane);
    localparam ROWS = `ROWS, LATENCY = `LATENCY;
    wire [$clog2(ROWS+1)-1:0] sums;
    `DUT dut (.clk(clk), .enable(enable), .plane(plane), .sums(sums));

    // How many ones the planes of the last steps had, and how many steps there were.
    reg [$clog2(ROWS+1)-1:0] counts [LATENCY-1:0];
    reg [$clog2(LATENCY+1)-1:0] steps = 0;
    integer i, ones;
    always @* begin
        ones = 0;
        for (i = 0; i < ROWS; i = i + 1) ones = ones + plane[i];
    end
    always @(posedge clk) begin
        if (enable) begin
            counts[0] <= ones;
            for (i = 1; i < LATENCY; i = i + 1) counts[i] <= counts[i - 1];
            if (steps != LATENCY) steps <= steps + 1;
        end
        if (steps == LATENCY) assert (sums == counts[LATENCY - 1]);
        cover (steps == LATENCY && sums == ROWS);
        cover (steps == LATENCY && sums == 0);
    end
endmodule
