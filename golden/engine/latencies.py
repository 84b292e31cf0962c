"""Latencies of the engine's blocks in cycles; docs/engine.md says what each of them contains."""

# Words of 32 bits of a descriptor, of which two are fetched while others run; and cycles from an end to the next start.
FETCH_CYCLES, START_CYCLES = 24, 7
# From the read of a vector's last bytes until it is offered to the macro; vectors that are begun and not accepted.
GATHER_LATENCY, GATHER_VECTORS = 7, 8
# From a load's begin until its first row is offered; from an address of the tile memory to its row.
LOAD_LATENCY, TILE_LATENCY = 3, 2
# Of the port of a memory outside: from a request to the first bytes of its answer, from the last to the whole row; and
# for so many cycles of it rows are requested before they come, at least, by which the memory's latency is hidden.
ANSWER_LATENCY, ROW_LATENCY, AHEAD_CYCLES = 2, 1, 128
# From the cycle in which lanes take results until they are in memory; and so much more for a sum.
LANE_LATENCY, SUM_LATENCY = 16, 18
# From a window in the depthwise unit's registers to sums at the lanes; from the last tap in memory to its register, and
# from the last pixel of the first window.
DEPTHWISE_LATENCY, TAP_LATENCY, WINDOW_LATENCY = 10, 2, 3
# To the index of the greatest output, after the last bytes are read.
ARGMAX_LATENCY = 12
