"""Rooms that share their name with a verb: `bytegolf.train` holds the training loop, and called it trains."""

from importlib import import_module
from types import ModuleType
from typing import Any


class Verb(ModuleType):
    """A package that can be called: the call goes to the function of its name in `bytegolf.flow`."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        verb = self.__name__.rpartition(".")[2]
        return getattr(import_module("bytegolf.flow"), verb)(*arguments, **options)
