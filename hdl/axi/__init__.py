"""AXI4 and AXI4-Stream: beats of streams, and a DMA between streams and memory."""
