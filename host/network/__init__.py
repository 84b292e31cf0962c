"""Networks: what they are, what they must be, and how they run."""
