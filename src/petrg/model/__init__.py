"""PETRG-3D: configuration, input recipes, 3D vision transformer, resampler, prompt, network, released weights."""
