"""What is built only to be measured."""
