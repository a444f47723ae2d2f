"""Legality review of a contestant's script."""

from pathlib import Path

from bytegolf.contest.review import Review, review_script


def review(place: Path) -> Review:
    return review_script(place)
