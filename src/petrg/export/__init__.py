"""Reports in the formats people and systems read: HTML and plain text."""
