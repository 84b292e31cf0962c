"""Views of a macro for the chip that it goes into: abstract, timing model, constraints, floorplan."""
