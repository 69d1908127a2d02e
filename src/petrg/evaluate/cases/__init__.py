"""Pairs of reference and prediction, and what is known of their patients, from tables and folders."""
