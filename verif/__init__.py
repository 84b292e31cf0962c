"""What runs inside a simulator: drivers, testbenches, coverage."""
