"""What a score is to its intervals and tests."""
