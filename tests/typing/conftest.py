"""``api.py`` is read by type checkers, and never run."""

collect_ignore = ["api.py"]
