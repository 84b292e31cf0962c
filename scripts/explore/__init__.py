"""The search for macros that suit a network: what they may be, what they cost, and which are best."""
