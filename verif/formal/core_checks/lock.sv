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
    wire [1:0] rounding_0, rounding_1;
    wire [68:0] kept = {first, words, target, set, bank, zero_0, low_0, high_0, zero_1, low_1, high_1, rounding_0, rounding_1};
    wire c_minus, ss, known_answers;
    reg started = 0;
    // An access under way, a bit a cycle, and what was asked.
    reg [`CYCLES-1:0] way = 0;
    reg r_write;
    reg [11:0] r_address;
    reg [31:0] r_data;
    reg [3:0] r_strobe;
    wire asked, executes, done, is_lockable;
    wire [48:0] request;
    wire [7:0] targets, writes;

    `DUT dut (.clk(clk), .rst(rst), .bus__enable(enable), .bus__write(write), .bus__address(address),
        .bus__data(data), .bus__strobe(strobe), .load__busy(used), .load_data__busy(used), .self_test__busy(used),
        .offset_0__busy(used), .clamp_0__busy(used), .lock__locked__data(locked), .load__written(load_written),
        .load_data__written(load_data_written), .load__first__data(first), .load__words__data(words),
        .load__parameters__data(target), .load__set__data(set), .load__bank__data(bank), .offset_1__busy(used),
        .clamp_1__busy(used), .offset_0__zero_point__data(zero_0), .offset_0__rounding__data(rounding_0),
        .clamp_0__low__data(low_0), .clamp_0__high__data(high_0), .offset_1__zero_point__data(zero_1),
        .offset_1__rounding__data(rounding_1), .clamp_1__low__data(low_1), .clamp_1__high__data(high_1),
        .self_test__march_c_minus__data(c_minus), .self_test__march_ss__data(ss),
        .self_test__known_answers__data(known_answers), .access_error(error), .bus__refused(refused),
        .bus__done(done), .asked(asked), .executes(executes), .request(request),
        .is_lockable(is_lockable), .writes_lock(targets[0]), .writes_load(targets[1]), .writes_load_data(targets[2]),
        .writes_self_test(targets[3]), .writes_offset_0(targets[4]), .writes_clamp_0(targets[5]),
        .writes_offset_1(targets[6]), .writes_clamp_1(targets[7]), .write_lock(writes[0]), .write_load(writes[1]),
        .write_load_data(writes[2]), .write_self_test(writes[3]), .write_offset_0(writes[4]), .write_clamp_0(writes[5]),
        .write_offset_1(writes[6]), .write_clamp_1(writes[7]));

    wire is_lock = r_address[11:2] == 12'h028 >> 2;
    // A write without a byte has no effect, and is not reported.
    wire is_guarded = |r_strobe && (r_address[11:2] == 12'h048 >> 2 || r_address[11:2] == 12'h04c >> 2
        || r_address[11:2] == 12'h058 >> 2 || r_address[11:2] >= 12'h060 >> 2 && r_address[11:2] <= 12'h06c >> 2);
    // Which register a write is for; not all bytes of each have a field.
    function [7:0] decoded(input [9:0] word, input [3:0] strobe);
        decoded = {word == 10'h1b && |(strobe & 5), word == 10'h1a && |(strobe & 5), word == 10'h19 && |(strobe & 5),
                   word == 10'h18 && |(strobe & 5), word == 10'h16 && strobe[0], word == 10'h13 && |strobe,
                   word == 10'h12 && |(strobe & 13), word == 10'h0a && strobe[0]};
    endfunction
    wire [7:0] wanted = r_write ? decoded(r_address[11:2], r_strobe) : 0;

    always @(posedge clk) begin
        started <= 1;
        way <= rst ? 0 : {way, enable};
        if (enable) {r_write, r_address, r_data, r_strobe} <= {write, address, data, strobe};
        if (!started) assume (rst);
        else begin
            // The bus waits for the answer.
            assume (!(enable && |way));
            // It comes in time. What is registered on the way is what was asked, for the induction.
            assert ({done, executes, asked} == way && (way & way - 1'b1) == 0);
            if (|way) assert (request == {r_strobe, r_data, r_address, r_write});
            if (executes) assert (is_lockable == (r_write && is_guarded));
            if (executes) assert (targets == wanted);
            // What is written is what was wanted, and not guarded by a lock that is set.
            if (|writes) assert (done && writes == wanted && !(locked && is_guarded));

            if ($past(rst)) assert (!locked);
            else if ($past(locked)) begin
                assert (locked);
                assert (!load_written && !load_data_written);
                assert (!c_minus && !ss && !known_answers);
                assert ($stable(kept));
            end else
                assert (locked == ($past(writes[0] && r_data[0])));
            // Refused writes are reported.
            if (!$past(rst) && $past(locked && executes && r_write && is_guarded)) assert (error == 7 && refused);

            cover (locked && refused);
            cover (!locked && !$past(rst) && $past(!locked && load_written));
            cover ($past(rst) && $past(locked));
        end
    end
endmodule
