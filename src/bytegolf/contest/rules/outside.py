"""What a script needs besides itself: hidden text, other files, the network."""

import ast
from collections.abc import Iterator

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.program import Program

NETWORK = (
    "requests.",
    "urllib.request.",
    "urllib3.",
    "http.client.",
    "socket.create_connection",
    "socket.socket",
    "huggingface_hub.hf_hub_download",
    "huggingface_hub.snapshot_download",
    "datasets.load_dataset",
    "wandb.init",
    "httpx.",
    "aiohttp.",
    "ftplib.",
    "gdown.",
)
NETWORK_METHODS = (".from_pretrained",)
RUNNERS = ("subprocess.", "os.system", "os.popen")
DOWNLOADERS = ("wget", "curl", "git clone", "pip install", "apt-get", "gsutil", "aws s3")
OPAQUE_WHY = "runs text that cannot be read without running it: not a violation, but not clean either; ask for the source"
NETWORK_WHY = "reaches for the network; evaluation has to do without"
HELPER_WHY = "code in another file, which counts as code too"


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    return [*_opaque(case), *case.by_code(_network(case.program)), *_helpers(case)]


def _opaque(case: Case) -> list[ReviewFinding]:
    marks = [Mark("opaque", "violation", [item.node], f"{OPAQUE_WHY} ({item.why})") for item in case.program.opaque]
    return list({(found.file, found.line): found for found in case.by_code(marks)}.values())


def _network(program: Program) -> Iterator[Mark]:
    """Yield a mark for each call that reaches for the network."""
    for source in program.sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call):
                name = program.full_name(node.func)
                if name.startswith(NETWORK) or name.endswith(NETWORK_METHODS):
                    yield Mark("external", "note" if name == "wandb.init" else "defect", [node], NETWORK_WHY)
                elif name.startswith(RUNNERS) and any(word in ast.unparse(node) for word in DOWNLOADERS):
                    yield Mark("external", "defect", [node], NETWORK_WHY)


def _helpers(case: Case) -> list[ReviewFinding]:
    """Return a note for each file beside the script that it imports or runs."""
    found = [
        ReviewFinding("uncounted-code", "note", path.name, 0, f"{path.stat().st_size:,} bytes", "default", True, HELPER_WHY)
        for path in case.program.helpers
    ]
    return found + [
        ReviewFinding("opaque", "note", name, 0, "", "default", True, "a module beside the script that is no Python")
        for name in case.program.unread
    ]
