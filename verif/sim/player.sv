// Plays programs on a macro at full rate: Python hands over a whole batch as files and wakes up once at its end.
//
// A cycle of `start` begins with a program; the macro keeps what it holds.
// +writes, +vectors: a line each, in hexadecimal: how many of the other stream must have been accepted before it is
// offered, then the fields of its port, the first lowest.
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
    reg [8*1024:1] writes_path, vectors_path, results_path;
    integer writes_file, vectors_file, results_file, status;

    reg have_write, have_vector;
    reg [63:0] write_after, vector_after, read_after;
    reg [WRITE_BITS-1:0] write, read_write;
    reg [I_BITS-1:0] i, read_vector;
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
            writes_file = $fopen(writes_path, "r");
            vectors_file = $fopen(vectors_path, "r");
            results_file = $fopen(results_path, "w");
            status = $fscanf(writes_file, "%h %h", read_after, read_write);
            have_write <= status == 2;
            write_after <= read_after;
            write <= read_write;
            status = $fscanf(vectors_file, "%h %h", read_after, read_vector);
            have_vector <= status == 2;
            vector_after <= read_after;
            i <= read_vector;
            done <= 0;
            cycle <= 0;
            cycles <= 0;
            writes_accepted <= 0;
            vectors_accepted <= 0;
            results_taken <= 0;
        end else if (!done) begin
            cycle <= cycle + 1;
            if (write_valid && write_ready) begin
                status = $fscanf(writes_file, "%h %h", read_after, read_write);
                have_write <= status == 2;
                write_after <= read_after;
                write <= read_write;
                writes_accepted <= writes_accepted + 1;
                cycles <= cycle + 1;
            end
            if (i_valid && i_ready) begin
                status = $fscanf(vectors_file, "%h %h", read_after, read_vector);
                have_vector <= status == 2;
                vector_after <= read_after;
                i <= read_vector;
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
