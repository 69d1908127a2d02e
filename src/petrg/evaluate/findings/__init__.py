"""Lesions and SUVs that texts name, against texts and against measurement records."""
