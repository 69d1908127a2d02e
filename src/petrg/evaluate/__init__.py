"""Reports to scores: text metrics, PETRG-Score, numbers, faults; each with its controls and intervals."""
