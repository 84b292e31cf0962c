"""FPGAs: synthesis to bitstream, and back."""
