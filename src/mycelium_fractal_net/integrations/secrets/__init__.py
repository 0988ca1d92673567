"""Where secrets come from, a file for each kind, and the references by which settings name them."""
