"""Configurations that come with petrg, by name."""
