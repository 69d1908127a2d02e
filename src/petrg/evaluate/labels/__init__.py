"""Labels of the 24 regions: as files, from texts, by a language model, and two labellers compared."""
