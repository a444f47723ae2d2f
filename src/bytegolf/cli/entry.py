"""The entry point: it imports nothing before an interruption can end the process in one line."""

import gc
import sys

from bytegolf.errors import INTERRUPTED


def main() -> None:
    """Run the command line."""
    try:
        from bytegolf.cli.app import main as run

        run()
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    finally:
        gc.freeze()  # Python would look for unused cycles before it ends, a tenth of the time of a small file
