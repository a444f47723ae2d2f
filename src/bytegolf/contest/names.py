"""What the names in a script stand for, through imports, aliases and `__import__`."""

import ast

DYNAMIC_IMPORTS = {"__import__", "importlib.import_module", "builtins.__import__"}


def import_aliases(tree: ast.AST) -> dict[str, str]:
    """Return the full name behind each name that an import or a plain alias of one binds: `L` -> `lzma`."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                aliases[item.asname or item.name.partition(".")[0]] = item.name if item.asname else item.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for item in node.names:
                aliases[item.asname or item.name] = f"{node.module}.{item.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = dotted(node.value, aliases)
            if name in ("exec", "eval", "compile") or name.partition(".")[0] in aliases.values() or name in aliases.values():
                aliases.setdefault(node.targets[0].id, name)
    return aliases


def dotted(node: ast.AST, aliases: dict[str, str]) -> str:
    """Return the full dotted name of an expression, "" if it has none. Calls on the way are left out: `a().b` is `a.b`."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            module = _imported(node, aliases)
            if module:
                return ".".join([module, *reversed(parts)])
            if not parts:
                return ""
            node = node.func
        elif isinstance(node, ast.Name):
            return ".".join([aliases.get(node.id, node.id), *reversed(parts)])
        else:
            return ""


def _imported(node: ast.Call, aliases: dict[str, str]) -> str:
    """Return the module that `__import__("module")` or `getattr(module, "name")` stands for."""
    first = node.args[0] if node.args else None
    if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) > 1:
        second = node.args[1]
        if isinstance(second, ast.Constant) and isinstance(second.value, str) and first is not None:
            return f"{dotted(first, aliases)}.{second.value}"
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        name = dotted(node.func, aliases) if isinstance(node.func, ast.Name | ast.Attribute) else ""
        if name in DYNAMIC_IMPORTS:
            return first.value
    return ""
