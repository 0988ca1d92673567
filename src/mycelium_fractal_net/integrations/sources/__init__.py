"""Where jobs come from, a file for each kind."""
