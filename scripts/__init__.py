"""The command ``bitline``: its subcommands, and what they share."""
