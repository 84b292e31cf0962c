// The loader, locked, under any stream and any words: it writes nothing, and throws packets away instead of stopping them.
module check (
    input clk, rst, input [72:0] payload, input valid, input [31:0] word, input word_valid, input [15:0] target,
    input restart, input [1:0] set_used, input write_ready, held, free
);
    wire ready, word_ready, write_valid, parameters_enable, refused;
    reg started = 0;
    // Unlocked at will, but never again once it was locked.
    reg locked = 0;

    `DUT dut (.clk(clk), .rst(rst), .s__payload(payload), .s__valid(valid), .s__ready(ready), .word(word),
        .word_valid(word_valid), .word_ready(word_ready), .target(target[`TARGET-1:0]), .restart(restart),
        .locked(locked), .set_used(set_used), .write__valid(write_valid), .write__ready(write_ready), .held(held),
        .parameters__enable(parameters_enable), .refused(refused));

    always @(posedge clk) begin
        started <= 1;
        locked <= started && (locked || !free);
        if (!started) assume (rst);
        else if (locked) begin
            assert (!write_valid && !parameters_enable);
            // With the stream as source, what comes is taken, whatever the macro does, once it is within a packet that
            // was refused.
            if (!$past(rst) && $past(locked && refused && !restart) && !rst && !target[1] && !$past(target[1]))
                assert (ready);
            cover (valid && ready && $past(ready && valid) && !$past(rst));
            cover (refused && $past(!refused) && !$past(rst));
        end
    end
endmodule
