"""Benchmarks as folders that anyone can run: made, verified, scored against, compared in a leaderboard."""
