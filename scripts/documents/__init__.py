"""Tables of the documents, made of what the gateware is made of."""
