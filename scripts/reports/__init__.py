"""Pages of HTML, tables and pictures."""
