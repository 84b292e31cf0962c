"""The image of an engine from a board's SPI flash."""
