"""The subcommands of ``bitline``, one file each."""
