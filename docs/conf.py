"""Sphinx settings; `make docs` builds with warnings as errors."""

import re
from pathlib import Path

_SOURCE = (Path(__file__).parents[1] / "src" / "petrg" / "__init__.py").read_text(encoding="utf-8")

project = "petrg"
author = "The petrg founders"
copyright = author
release = version = re.search(r'^__version__ = "(.+)"', _SOURCE, re.M)[1]

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = False

html_theme = "furo"
html_title = f"petrg {release}"
html_static_path = []
html_extra_path = ["schemas"]
html_copy_source = False
html_show_sphinx = False
