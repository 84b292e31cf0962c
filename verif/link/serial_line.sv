// The host's end of a serial line, with a board at the other. Sends a batch of raw bits, collects what the board sends,
// and wakes the testbench once at the end of a frame, when there is no more room, or after `timeout_cycles`.
module serial #(
    parameter DIVISOR = 4,  // clock cycles a bit
    parameter BITS = 1280,  // most to send at once
    parameter BYTES = 64    // most to collect at once
) (
    input  wire              clk,
    input  wire              macro_clk,
    input  wire              rst,
    output wire              running,
    input  wire              go,        // each change starts anew: send, collect, wake
    input  wire [BITS-1:0]   bits,      // to send, the lowest first; line levels, start and stop bits among them
    input  wire [15:0]       bit_count,
    input  wire [31:0]       timeout_cycles,  // clock cycles
    output reg               done,      // changes to the level of `go`
    output reg  [8*BYTES-1:0] bytes,    // collected, the first lowest
    output reg  [15:0]       byte_count
);
    localparam FLAG = 8'h7e;

    wire tx;
    reg rx;
    wire flash_cs, flash_clk, flash_copi, flash_cipo;
    board board (.clk(clk), .macro_clk(macro_clk), .rst(rst), .rx(rx), .tx(tx), .flash_cs(flash_cs),
                 .flash_clk(flash_clk), .flash_copi(flash_copi), .flash_cipo(flash_cipo), .running(running));
    flash flash (.cs(flash_cs), .clk(flash_clk), .copi(flash_copi), .cipo(flash_cipo));

    reg going;
    reg [BITS-1:0] rest;
    reg [15:0] bits_left;
    reg [31:0] cycles_left;
    integer phase;

    integer wait_for_sample;
    reg [3:0] samples_left;
    reg [7:0] received;
    reg is_ended;

    // A byte may come in the very cycle in which collecting starts anew.
    wire [15:0] collected = go == going ? byte_count : 16'd0;

    always @(posedge clk) begin
        if (rst) begin
            going <= 0; done <= 0; rx <= 1; bits_left <= 0; samples_left <= 0; byte_count <= 0; is_ended <= 0;
        end else begin
            if (go != going) begin
                going <= go;
                rest <= bits;
                bits_left <= bit_count;
                cycles_left <= timeout_cycles;
                phase <= 0;
                byte_count <= 0;
                is_ended <= 0;
            end else begin
                if (phase != 0) phase <= phase - 1;
                else if (bits_left != 0) begin
                    rx <= rest[0];
                    rest <= rest >> 1;
                    bits_left <= bits_left - 1;
                    phase <= DIVISOR - 1;
                end
                if (cycles_left != 0) cycles_left <= cycles_left - 1;
                if (bits_left == 0 && phase == 0 && (is_ended || byte_count == BYTES || cycles_left == 0))
                    done <= going;
            end

            if (samples_left == 0) begin
                if (!tx) begin
                    samples_left <= 10;
                    wait_for_sample <= (DIVISOR - 1) / 2;
                end
            end else if (wait_for_sample != 0) wait_for_sample <= wait_for_sample - 1;
            else begin
                wait_for_sample <= DIVISOR - 1;
                samples_left <= samples_left - 1;
                received <= {tx, received[7:1]};
                if (samples_left == 1) begin
                    bytes[8 * collected +: 8] <= received;
                    byte_count <= collected + 1;
                    if (received == FLAG && collected != 0) is_ended <= 1;
                end
            end
        end
    end
endmodule
