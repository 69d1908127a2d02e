"""Hospital styles as TOML files; read by `petrg.language.style`."""
