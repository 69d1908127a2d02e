"""One file per kind of mask."""
