// A table column whose pipeline moves, whatever its tables hold: each node is the sum of the two below it and one carry,
// that of the last group under the left one, so level by level the sum of its groups' values and of all their carries
// but the last; the result is the complement of what that differs by from the sum for a plane of zeros.
// A group's value is its entry, complemented where the sign says so; its carry is one then, unless its parity is odd.
module check (input clk, bank, calibrate, input [`PLANE-1:0] plane);
    localparam GROUPS = `GROUPS, LEVELS = `LEVELS, ENTRY = `ENTRY, WORD = `WORD, DEPTH = `LEVELS + 3;
    wire [(ENTRY+1)*GROUPS-1:0] entries;
    wire [WORD*(GROUPS-1)-1:0] nodes;
    wire [2*WORD-1:0] zeros;
    wire [`SUM-1:0] sums;
    // Moves since the start; after as many as there are stages all that was before is out.
    reg [4:0] moves = 0;

    `DUT dut (.clk(clk), .enable(1'b1), .write({`WRITE{1'b0}}), .bank(bank), .calibrate(calibrate), .plane(plane),
        .sums(sums), .entries(entries), .nodes(nodes), .zeros(zeros));

    // Signs, parities and banks as they were so many moves ago; of the entries now in slot 0.
    reg [GROUPS-1:0] signs [0:LEVELS], odds [0:LEVELS];
    reg [LEVELS+1:0] banks;
    wire [GROUPS-1:0] sign_now, odd_now;
    integer move;
    always @(posedge clk) begin
        moves <= moves + 1;
        signs[1] <= sign_now;
        odds[1] <= odd_now;
        for (move = 2; move <= LEVELS; move = move + 1) begin
            signs[move] <= signs[move - 1];
            odds[move] <= odds[move - 1];
        end
        banks <= {banks, bank};
    end

    genvar group, level, index;
    generate
        for (group = 0; group < GROUPS; group = group + 1) begin : groups
            wire signed [ENTRY-2:0] stored = entries[(ENTRY+1)*group + 1 +: ENTRY-1];
            assign odd_now[group] = entries[(ENTRY+1)*group];
            assign sign_now[group] = entries[(ENTRY+1)*group + ENTRY];
            wire signed [WORD-1:0] value = sign_now[group] ? ~stored : stored;
        end
        for (level = 1; level <= LEVELS; level = level + 1) begin : levels
            for (index = 0; index < GROUPS >> level; index = index + 1) begin : all
                localparam LAST = (index << level) + (1 << level - 1) - 1;
                wire signed [WORD-1:0] node = nodes[WORD*(GROUPS - (GROUPS >> level - 1) + index) +: WORD];
                wire signed [WORD-1:0] a, b;
                wire carry;
                if (level == 1) begin
                    assign a = groups[2*index].value;
                    assign b = groups[2*index + 1].value;
                    assign carry = sign_now[LAST] && !odd_now[LAST];
                end else begin
                    assign a = levels[level - 1].all[2*index].node;
                    assign b = levels[level - 1].all[2*index + 1].node;
                    assign carry = signs[level - 1][LAST] && !odds[level - 1][LAST];
                end
                reg signed [WORD-1:0] both;
                always @(posedge clk) both <= a + b + carry;
                always @* if (moves == DEPTH) assert (node == both);
            end
        end
    endgenerate

    wire signed [WORD-1:0] root = levels[LEVELS].all[0].node, zero = zeros[WORD*banks[LEVELS] +: WORD];
    reg signed [WORD-1:0] complement, kept, other;
    always @(posedge clk) begin
        // Zeros have every sign, so a carry of their own unless the parity is odd.
        complement <= ~(root + (signs[LEVELS][GROUPS-1] && !odds[LEVELS][GROUPS-1]) - (zero + !odds[LEVELS][GROUPS-1]));
        kept <= calibrate ? root : zero;
        other <= zeros[WORD*!banks[LEVELS] +: WORD];
    end
    always @* if (moves == DEPTH) begin
        assert (sums == complement[`SUM-1:0]);
        assert (zeros[WORD*banks[LEVELS+1] +: WORD] == kept);
        assert (zeros[WORD*!banks[LEVELS+1] +: WORD] == other);
        cover (root < 0 && signs[LEVELS][GROUPS-1] && banks[LEVELS]);
    end
endmodule
