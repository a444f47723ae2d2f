"""What a script has to have installed."""

from importlib.metadata import version

from bytegolf.contest.requirements import requirements


def test_packages_of_imports_anywhere_in_their_versions() -> None:
    sources = {
        "bytegolf/a.py": "import json\nimport numpy.linalg as la\nfrom bytegolf.b import c\nimport nothing_of_this_name",
        "bytegolf/b.py": "def f():\n    from safetensors.torch import save\n    return save",
    }
    assert requirements(sources) == f"numpy=={version('numpy')}\nsafetensors=={version('safetensors')}\n"
