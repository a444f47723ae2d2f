"""A contestant's script, or the folder of a submission, to a verdict on its legality."""

from dataclasses import replace
from pathlib import Path

from bytegolf.contest.review import Review, review_script, script_of
from bytegolf.contest.smoke import smoke_test
from bytegolf.storage.files import sha256_of


def review(place: Path, *, smoke: bool = False) -> Review:
    """Review a script, or the script of a folder, by the rules of the contest: read, never run.

    With `smoke` it is also imported, in a sandbox. Raises InputError if there is no script or it is no Python,
    and if a sandbox is needed that this system does not have.
    """
    script = script_of(place)
    done = review_script(script, sha256_of(script) if script.is_file() else "")
    return replace(done, smoke=smoke_test(script)) if smoke else done
