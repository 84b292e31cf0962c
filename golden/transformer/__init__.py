"""A transformer in integers: exact definitions of all it computes, and its products left to whatever computes them."""
