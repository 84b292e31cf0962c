"""Block formats, OCP microscaling and NVFP4, exact: each element is an integer times a power of two."""
