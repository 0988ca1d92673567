"""The REST endpoints, one file for each group, thin over the library."""
