// Fused columns, whatever their sums are within what weights and inputs allow, with any stalls of each stage: every
// result is that of integers without bounds, so nothing overflows, and the bounds are reached.
// A slice that is not the highest of its weight is not negative, and stored less half its range; `sums` are those of the
// slices as they are.
module check (
    input clk, input [`STAGES-1:0] load, input [1:0] mode, input [`COLUMNS*`WIDE-1:0] sums, input [`WIDE-1:0] sum_x
);
    localparam COLUMNS = `COLUMNS, STAGES = `STAGES, TOTAL = `TOTAL, WEIGHT = `WEIGHT, WIDE = `WIDE;
    localparam signed [WIDE-1:0] ONE = 1;
    localparam signed [WIDE-1:0] TERMS = `TERMS, X_HIGH = (1 << `BITS) - 1, X_LOW = -(1 << `BITS - 1);
    localparam signed [WIDE-1:0] W_HIGH = (1 << WEIGHT - 1) - 1, W_LOW = -(1 << WEIGHT - 1), U_HIGH = (1 << WEIGHT) - 1;
    localparam signed [WIDE-1:0] HIGH = TERMS * (W_HIGH * X_HIGH > W_LOW * X_LOW ? W_HIGH * X_HIGH : W_LOW * X_LOW);
    localparam signed [WIDE-1:0] LOW = TERMS * W_LOW * X_HIGH;
    wire [COLUMNS*TOTAL-1:0] y;
    // Registers of the first two stages.
    wire [COLUMNS*(TOTAL+1)-1:0] slices;
    wire [COLUMNS*TOTAL-1:0] pairs;
    reg [COLUMNS*TOTAL-1:0] totals;

    // What is in each stage, and as how many columns together.
    reg [STAGES-1:0] holds = 0;
    reg [1:0] modes [0:STAGES-1];
    reg [COLUMNS*WIDE-1:0] held [0:STAGES-1];
    wire [2*STAGES-1:0] stage_modes;

    `DUT dut (.clk(clk), .load(load), .mode(stage_modes), .totals(totals), .sum_x(sum_x[`SUM_X-1:0]), .y(y),
        .slices(slices), .pairs(pairs));

    genvar stage, column;
    assign stage_modes[1:0] = mode;
    generate for (stage = 1; stage < STAGES; stage = stage + 1) assign stage_modes[2*stage +: 2] = modes[stage - 1]; endgenerate
    integer each;
    always @(posedge clk) begin
        if (load[0]) begin
            holds[0] <= 1;
            modes[0] <= mode;
            held[0] <= sums;
        end
        for (each = 1; each < STAGES; each = each + 1) if (load[each]) begin
            holds[each] <= holds[each - 1];
            modes[each] <= modes[each - 1];
            held[each] <= held[each - 1];
        end
    end

    // Sums of slices within what they can be, of all columns in this way.
    function within(input [COLUMNS*WIDE-1:0] all, input [1:0] mode);
        integer index;
        reg signed [WIDE-1:0] sum;
        begin
            within = mode <= STAGES - 1;
            for (index = 0; index < COLUMNS; index = index + 1) begin
                sum = all[WIDE*index +: WIDE];
                within = within && (mode == 1 && index % 2 == 0 || mode == 2 && index % 4 != 3
                    ? sum >= TERMS * U_HIGH * X_LOW && sum <= TERMS * U_HIGH * X_HIGH : sum >= LOW && sum <= HIGH);
            end
        end
    endfunction

    generate for (column = 0; column < COLUMNS; column = column + 1) begin : columns
        wire is_lower = mode == 1 && column % 2 == 0 || mode == 2 && column % 4 != 3;
        wire signed [WIDE-1:0] sum = sums[WIDE*column +: WIDE], x = sum_x;
        wire signed [WIDE-1:0] total = is_lower ? sum - (x <<< WEIGHT - 1) : sum;
        wire signed [WIDE-1:0] first = held[0][WIDE*column +: WIDE];
        wire signed [TOTAL:0] slice = slices[(TOTAL+1)*column +: TOTAL+1];
        always @* begin
            totals[TOTAL*column +: TOTAL] = total[TOTAL-1:0];
            assume (total >= LOW && total <= HIGH);
        end
        always @(posedge clk) if (holds[0]) assert (slice == first);
        // A lower slice needs the bit that its register has beyond a total's.
        if (column % 2 == 0) always @(posedge clk) cover (holds[0] && modes[0] != 0 && slice[TOTAL] != slice[TOTAL-1]);
    end endgenerate

    generate for (stage = 1; stage < STAGES; stage = stage + 1) begin : stages
        wire [COLUMNS*TOTAL-1:0] found = stage == 1 ? pairs : y;
        // For the induction.
        always @(posedge clk) if (holds[stage - 1]) assert (within(held[stage - 1], modes[stage - 1]));
        for (column = 0; column < COLUMNS; column = column + 1) begin : single
            wire signed [WIDE-1:0] alone = held[stage][WIDE*column +: WIDE];
            wire signed [TOTAL-1:0] result = found[TOTAL*column +: TOTAL];
            always @(posedge clk) if (holds[stage] && modes[stage] == 0) begin
                assert (result == alone);
                cover (alone == HIGH);
                cover (alone == LOW);
            end
        end
        for (column = 0; column < COLUMNS; column = column + 2) begin : neighbors
            wire signed [WIDE-1:0] two = single[column].alone + (single[column + 1].alone <<< WEIGHT);
            wire signed [2*TOTAL-1:0] result = found[TOTAL*column +: 2*TOTAL];
            // Of a weight of four slices the second stage has the halves.
            always @(posedge clk) if (holds[stage] && (modes[stage] == 1 || modes[stage] == 2 && stage == 1)) begin
                assert (result == two);
                cover (modes[stage] == 1 && two == TERMS * X_HIGH * ((ONE <<< 2*WEIGHT - 1) - 1));
                cover (modes[stage] == 1 && two == -TERMS * X_HIGH * (ONE <<< 2*WEIGHT - 1));
            end
        end
        if (stage == 2) begin
            wire signed [WIDE-1:0] four = neighbors[0].two + (neighbors[2].two <<< 2*WEIGHT);
            wire signed [4*TOTAL-1:0] result = found;
            always @(posedge clk) if (holds[stage] && modes[stage] == 2) begin
                assert (result == four);
                cover (four == TERMS * X_HIGH * ((ONE <<< 4*WEIGHT - 1) - 1));
                cover (four == -TERMS * X_HIGH * (ONE <<< 4*WEIGHT - 1));
            end
        end
    end endgenerate

    always @* begin
        assume (within(sums, mode));
        assume ($signed(sum_x) >= TERMS * X_LOW && $signed(sum_x) <= TERMS * X_HIGH);
    end
endmodule
