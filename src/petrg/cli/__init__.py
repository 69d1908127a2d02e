"""Verbs of the command line; the only place that prints."""
