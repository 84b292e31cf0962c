"""Networks and matrices to tiles and programs."""
