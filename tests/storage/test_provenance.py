"""Two results with one provenance come from the same code, versions and machine."""

import json

from bytegolf.storage.provenance import provenance


def test_provenance_names_code_versions_and_machine() -> None:
    found = provenance()
    assert {"code_sha256", "python", "torch", "numpy", "platform", "machine", "cpus"} <= set(found)
    assert found == provenance() and len(str(found["code_sha256"])) == 64
    json.dumps(found)
