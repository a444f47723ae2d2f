"""The functions of a script, and what is read of each once."""

import ast
from dataclasses import dataclass, field
from functools import cached_property

from bytegolf.contest.source import ScriptSource

SHORT = 2  # letters
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes inside a node, found once and kept with it."""
    kept: list[ast.AST] | None = getattr(node, "_children", None)
    if kept is None:
        kept = node._children = list(ast.iter_child_nodes(node))  # type: ignore[attr-defined]
    return kept


@dataclass(eq=False)
class Function:
    """A function, a method, or the body of a module (whose name is "")."""

    name: str
    node: FunctionNode
    source: ScriptSource
    outer: "Function | None" = None
    owner: str = ""  # its class
    assigned: dict[str, list[ast.expr | None]] = field(default_factory=dict)  # None: bound in another way than `name = value`

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """The nodes of its own body, those of functions inside it left out."""
        found: list[ast.AST] = list(self.node.body)
        for node in found:  # grows while it is read
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += children(node)
        return found

    @cached_property
    def bindings(self) -> dict[str, list[ast.Assign]]:
        """The assignments to each name, or to a part of what it stands for."""
        found: dict[str, list[ast.Assign]] = {}
        for node in self.nodes:
            for target in node.targets if isinstance(node, ast.Assign) else ():
                for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                    root = part
                    while isinstance(root, ast.Subscript):
                        root = root.value
                    if isinstance(root, ast.Name) and isinstance(node, ast.Assign):
                        found.setdefault(root.id, []).append(node)
        return found

    @cached_property
    def words(self) -> set[str]:
        """The names and attributes in it, those of functions inside it included."""
        nodes = list(ast.walk(self.node))
        return {node.id for node in nodes if isinstance(node, ast.Name)} | {node.attr for node in nodes if isinstance(node, ast.Attribute)}

    @cached_property
    def is_minified(self) -> bool:
        """Whether most of its names are a letter or two."""
        names = {node.id for node in self.nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        return sum(len(name) <= SHORT for name in names) > len(names) / 2

    @cached_property
    def called_names(self) -> set[str]:
        """The last names of what is called in it."""
        calls = [node.func for node in self.nodes if isinstance(node, ast.Call)]
        return {name for name in (getattr(call, "attr", getattr(call, "id", None)) for call in calls) if name}

    @property
    def parameters(self) -> list[ast.arg]:
        """The parameters in order, without `self`."""
        if isinstance(self.node, ast.Module):
            return []
        found = [*self.node.args.posonlyargs, *self.node.args.args]
        return [*(found[1:] if self.owner and found else found), *self.node.args.kwonlyargs]
