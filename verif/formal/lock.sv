// The register file under any accesses: the lock is set by a one and by nothing else, stays until a reset, and while it is
// set nothing that has to do with weights and parameters is written.
module check (
    input clk, rst, input enable, write, input [11:0] address, input [31:0] data, input [3:0] strobe, input used
);
    wire locked, load_written, load_data_written;
    wire [7:0] error;
    wire refused;
    wire [9:0] first;
    wire words, target, set;
    wire [3:0] bank;
    wire [7:0] zero_0, low_0, high_0, zero_1, low_1, high_1;
    wire double_0, double_1;
    wire [66:0] kept = {first, words, target, set, bank, zero_0, low_0, high_0, zero_1, low_1, high_1, double_0, double_1};
    wire c_minus, ss, known_answers;
    reg started = 0;

    `DUT dut (.clk(clk), .rst(rst), .bus__enable(enable), .bus__write(write), .bus__address(address), .bus__data(data),
        .bus__strobe(strobe), .load_used(used), .load_data_used(used), .self_test_used(used), .offset_0_used(used),
        .clamp_0_used(used), .lock_locked(locked), .load_written(load_written), .load_data_written(load_data_written),
        .load_first(first), .load_words(words), .load_parameters(target), .load_set(set), .load_bank(bank),
        .offset_1_used(used), .clamp_1_used(used),
        .offset_0_zero_point(zero_0), .offset_0_double(double_0), .clamp_0_low(low_0), .clamp_0_high(high_0),
        .offset_1_zero_point(zero_1), .offset_1_double(double_1), .clamp_1_low(low_1), .clamp_1_high(high_1),
        .self_test_march_c_minus(c_minus), .self_test_march_ss(ss), .self_test_known_answers(known_answers), .error(error), .bus__refused(refused));

    wire is_lock = address[11:2] == 12'h028 >> 2;
    // A write of no byte does nothing, and nobody is told.
    wire is_guarded = |strobe && (address[11:2] == 12'h048 >> 2 || address[11:2] == 12'h04c >> 2 || address[11:2] == 12'h058 >> 2
        || address[11:2] >= 12'h060 >> 2 && address[11:2] <= 12'h06c >> 2);

    always @(posedge clk) begin
        started <= 1;
        if (!started) assume (rst);
        else begin
            if ($past(rst)) assert (!locked);
            else if ($past(locked)) begin
                assert (locked);
                assert (!load_written && !load_data_written);
                assert (!c_minus && !ss && !known_answers);
                assert ($stable(kept));
            end else
                assert (locked == ($past(enable && write && is_lock && strobe[0] && data[0])));
            // Who tries is told.
            if (locked && enable && write && is_guarded) assert (error == 7);
            if (!$past(rst) && $past(locked && enable && write && is_guarded)) assert (refused);

            cover (locked && refused);
            cover (!locked && !$past(rst) && $past(!locked && load_written));
            cover ($past(rst) && $past(locked));
        end
    end
endmodule
