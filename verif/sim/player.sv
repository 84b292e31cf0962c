// Plays programs on a macro at full rate: Python hands over a whole batch as files and wakes up once at its end.
//
// A cycle of `start` begins with a program; the macro keeps what it holds.
// +writes, +vectors: bytes of each, the highest first: 64 bits with how many of the other stream must have been accepted
// before it is offered, then the fields of its port, the first lowest.
// +results: a line each: the cycle in which it was taken, then the fields of its port in hexadecimal.
// Cycle 0 is the first after `start`. The generated connections.svh holds the instance of the macro.
module player #(
    parameter WRITE_BITS = 1,
    parameter I_BITS = 1,
    parameter O_BITS = 1
) (
    input  wire clk,
    input  wire rst,
    input  wire start,
    output reg  done,
    output reg  [63:0] cycles  // up to the last handshake
);
    localparam WRITE_BYTES = (WRITE_BITS + 7) / 8;
    localparam I_BYTES = (I_BITS + 7) / 8;

    reg [8*1024:1] writes_path, vectors_path, results_path;
    integer writes_file, vectors_file, results_file, status;

    reg have_write, have_vector;
    // What comes next, as it was read.
    reg [64+8*WRITE_BYTES-1:0] next_write;
    reg [64+8*I_BYTES-1:0] next_vector;
    reg [63:0] write_after, vector_after;
    reg [WRITE_BITS-1:0] write;
    reg [I_BITS-1:0] i;
    wire [O_BITS-1:0] o;
    wire write_ready, i_ready, o_valid;
    reg [63:0] cycle, writes_accepted, vectors_accepted, results_taken;

    wire write_valid = have_write && vectors_accepted >= write_after;
    wire i_valid = have_vector && writes_accepted >= vector_after;
    wire o_ready = 1'b1;

    `include "connections.svh"

    initial begin
        if (!$value$plusargs("writes=%s", writes_path)) $finish;
        if (!$value$plusargs("vectors=%s", vectors_path)) $finish;
        if (!$value$plusargs("results=%s", results_path)) $finish;
        have_write = 0;
        have_vector = 0;
        done = 1;
    end

    always @(posedge clk) begin
        if (rst) begin
            have_write <= 0;
            have_vector <= 0;
            done <= 1;
        end else if (start) begin
            writes_file = $fopen(writes_path, "rb");
            vectors_file = $fopen(vectors_path, "rb");
            results_file = $fopen(results_path, "w");
            status = $fread(next_write, writes_file);
            have_write <= status == 8 + WRITE_BYTES;
            write_after <= next_write[8*WRITE_BYTES+:64];
            write <= next_write[WRITE_BITS-1:0];
            status = $fread(next_vector, vectors_file);
            have_vector <= status == 8 + I_BYTES;
            vector_after <= next_vector[8*I_BYTES+:64];
            i <= next_vector[I_BITS-1:0];
            done <= 0;
            cycle <= 0;
            cycles <= 0;
            writes_accepted <= 0;
            vectors_accepted <= 0;
            results_taken <= 0;
        end else if (!done) begin
            cycle <= cycle + 1;
            if (write_valid && write_ready) begin
                status = $fread(next_write, writes_file);
                have_write <= status == 8 + WRITE_BYTES;
                write_after <= next_write[8*WRITE_BYTES+:64];
                write <= next_write[WRITE_BITS-1:0];
                writes_accepted <= writes_accepted + 1;
                cycles <= cycle + 1;
            end
            if (i_valid && i_ready) begin
                status = $fread(next_vector, vectors_file);
                have_vector <= status == 8 + I_BYTES;
                vector_after <= next_vector[8*I_BYTES+:64];
                i <= next_vector[I_BITS-1:0];
                vectors_accepted <= vectors_accepted + 1;
            end
            if (o_valid && o_ready) begin
                $fwrite(results_file, "%0d %h\n", cycle, o);
                results_taken <= results_taken + 1;
                cycles <= cycle + 1;
            end
            if (!have_write && !have_vector && results_taken == vectors_accepted) begin
                $fclose(writes_file);
                $fclose(vectors_file);
                $fclose(results_file);
                done <= 1;
            end
        end
    end
endmodule
