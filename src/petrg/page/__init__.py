"""The look of every page petrg writes: shell, CSS, pictures and the marks on them."""

from petrg.page.figure import Figure, Mark, render_figure
from petrg.page.raster import data_uri, fuse, grey, hot
from petrg.page.shell import render_page

__all__ = ["Figure", "Mark", "data_uri", "fuse", "grey", "hot", "render_figure", "render_page"]
