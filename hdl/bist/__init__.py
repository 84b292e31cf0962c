"""Built-in self-test: the storage by march tests, the products by known answers."""
