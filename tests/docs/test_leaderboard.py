"""The leaderboard is what its script makes of the published records."""

import sys

from .markdown import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import leaderboard


def test_the_page_is_that_of_the_records():
    assert leaderboard.PAGE.read_text() == leaderboard.page()


def test_a_horizon_beyond_the_gaps_comes_before_one_at_the_last_of_them():
    page = leaderboard.PAGE.read_text()
    adding = page.partition("## adding")[2].partition("##")[0]
    reach = [line.split("|")[2].split("(")[0].strip() for line in adding.splitlines()[4:] if line]
    within = [float(text) for text in reach if text[0] not in "<>"]
    assert reach[0] == "> 160" and within == sorted(within, reverse=True)
