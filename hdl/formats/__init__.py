"""A macro between block formats: decoders before it, and behind it what joins the sums of blocks and rounds them."""
