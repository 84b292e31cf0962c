"""What subcommands share: files, options, jobs, tools."""
