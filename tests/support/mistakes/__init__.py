"""What newcomers mistype, by the numbers of the seventy-five mistakes that were tried at first.

A number with a letter is another one of its kind. What needs Flink, a broker or a full disk is
tried elsewhere.
"""

from tests.support.mistakes import jobs, models, written
from tests.support.mistakes.case import MANIFEST, Mistake

MISTAKES = (*written.MISTAKES, *models.MISTAKES, *jobs.MISTAKES)

__all__ = ["MANIFEST", "MISTAKES", "Mistake"]
