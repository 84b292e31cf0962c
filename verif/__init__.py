"""Code that runs in a simulator: drivers, testbenches, coverage."""
