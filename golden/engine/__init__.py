"""The engine in numpy: the bytes of an image, what its descriptors do, and in how many cycles."""
