"""PETRG-Score: classes of uptake and structure."""
