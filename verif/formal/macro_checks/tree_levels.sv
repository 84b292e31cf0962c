// One level of an adder tree after the other, in one cycle, from every state whose nodes are within their bounds: each
// node becomes the sum of the two below it (or the one, where it has no partner), and so is within its own bounds, which
// are the sums of theirs. Level 1 sums weights where the plane has a one. So level by level each node is the sum of its
// rows, and the last of all.
module check (input clk, enable, input [`ROWS*`BITS-1:0] weights, input [`ROWS-1:0] plane);
    localparam ROWS = `ROWS, BITS = `BITS, LEVELS = $clog2(`ROWS), WORD = `WORD;
    // Words of all levels, one after the other: a level of n nodes is followed by one of half as many, rounded up.
    wire [WORD*`NODES-1:0] nodes;
    wire signed [BITS+LEVELS-1:0] sum;
    reg started = 0, moved;

    `DUT dut (.clk(clk), .enable(enable), .weights(weights), .plane(plane), .sum(sum), .nodes(nodes));

    function integer count(input integer level);
        count = (ROWS + (1 << level) - 1) >> level;
    endfunction
    function integer first(input integer level);
        integer below;
        begin
            first = 0;
            for (below = 1; below < level; below = below + 1) first = first + count(below);
        end
    endfunction
    // Rows under a node.
    function integer rows(input integer level, index);
        rows = (index + 1) << level > ROWS ? ROWS - (index << level) : 1 << level;
    endfunction

    always @(posedge clk) begin
        started <= 1;
        moved <= enable;
    end

    genvar level, index;
    generate
        for (level = 1; level <= LEVELS; level = level + 1) begin : levels
            for (index = 0; index < count(level); index = index + 1) begin : all
                localparam signed [WORD-1:0] LOW = -rows(level, index) * (1 << BITS - 1);
                localparam signed [WORD-1:0] HIGH = rows(level, index) * ((1 << BITS - 1) - 1);
                wire signed [WORD-1:0] node = nodes[WORD * (first(level) + index) +: WORD];
                wire signed [WORD-1:0] a, b;
                if (level == 1) begin
                    wire signed [BITS-1:0] wa = weights[BITS * 2 * index +: BITS];
                    assign a = plane[2 * index] ? wa : 0;
                    if (2 * index + 1 < ROWS) begin
                        wire signed [BITS-1:0] wb = weights[BITS * (2 * index + 1) +: BITS];
                        assign b = plane[2 * index + 1] ? wb : 0;
                    end else assign b = 0;
                end else begin
                    assign a = levels[level - 1].all[2 * index].node;
                    if (2 * index + 1 < count(level - 1)) assign b = levels[level - 1].all[2 * index + 1].node;
                    else assign b = 0;
                end
                reg signed [WORD-1:0] was, both;
                always @(posedge clk) begin
                    was <= node;
                    both <= a + b;
                end
                always @*
                    if (!started) assume (node >= LOW && node <= HIGH);
                    else assert (node == (moved ? both : was));
                if (level == LEVELS) begin
                    always @* if (started) begin
                        assert (node == sum);
                        cover (moved && node == LOW);
                        cover (moved && node == HIGH);
                    end
                end
            end
        end
    endgenerate
endmodule
