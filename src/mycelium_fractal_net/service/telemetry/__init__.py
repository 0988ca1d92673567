"""Logs, metrics and traces; each belongs to one application and to no global register."""
