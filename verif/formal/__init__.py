"""Properties, and the table of proofs."""
