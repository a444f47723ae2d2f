"""Print the result of a verb, for a machine or for a person."""

import json
from collections.abc import Callable
from typing import Any

from bytegolf.runtime.progress import is_main_process


def emit(result: Any, as_json: bool, table: Callable[[Any], str]) -> None:
    """Print `result` as one JSON object or as formatted by `table`. Of several processes, only the main one prints."""
    if not is_main_process():
        return
    if as_json:
        print(json.dumps(result if isinstance(result, dict) else result.to_json()))
    else:
        print(table(result))
