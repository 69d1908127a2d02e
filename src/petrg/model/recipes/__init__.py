"""Recipes as data."""
