"""Pages of scores: scores.html, the leaderboard, and the pieces that other pages of this room share."""

from petrg.evaluate.page.leaderboard import Leaderboard, render_leaderboard
from petrg.evaluate.page.safe import Mark, mark_text, visible
from petrg.evaluate.page.scores_page import render_scores
from petrg.evaluate.page.sheet import render_piece, render_sheet

__all__ = [
    "Leaderboard",
    "Mark",
    "mark_text",
    "render_leaderboard",
    "render_piece",
    "render_scores",
    "render_sheet",
    "visible",
]
