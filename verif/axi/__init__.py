"""The DMA of a core, and the memory that it reads and writes."""
