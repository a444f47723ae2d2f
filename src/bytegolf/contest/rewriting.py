"""Rewrite newer Python in the syntax of older ones, as a process of its own: see `newer_syntax`."""

import re
import resource
import sys
from pathlib import Path

import libcst as cst

CPU_SECONDS = 4  # of work, not of waiting: what a review says must not depend on what else the machine does
TOUCHING_KEYWORD = re.compile(r"""(?<=["')\]}])(?=(?:for|if|in|else|and|or|is|not)\b)""")


def rewritten(text: str) -> str:
    """Return what `in_older_syntax` does, computed here. Raises libcst's errors."""
    try:
        module = cst.parse_module(text)
    except cst.CSTValidationError:  # minified code, where libcst wants a space that Python does not
        module = cst.parse_module(TOUCHING_KEYWORD.sub(" ", text))
    return module.visit(_Rewriter()).code


class _Rewriter(cst.CSTTransformer):
    """Replaces what older parsers do not take."""

    def leave_FormattedString(self, original_node: cst.FormattedString, updated_node: cst.FormattedString) -> cst.BaseExpression:  # noqa: N802
        return _as_call(original_node, _values(updated_node.parts))

    def leave_TemplatedString(self, original_node: cst.TemplatedString, updated_node: cst.TemplatedString) -> cst.BaseExpression:  # noqa: N802
        return _as_call(original_node, _values(updated_node.parts))

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> bool:  # noqa: N802
        return False  # a call cannot stand among strings, so that all are replaced at once

    def leave_ConcatenatedString(  # noqa: N802
        self, original_node: cst.ConcatenatedString, updated_node: cst.ConcatenatedString
    ) -> cst.BaseExpression:
        strings = _strings(original_node)
        if all(isinstance(string, cst.SimpleString) for string in strings):
            return original_node
        values = [value for string in strings if not isinstance(string, cst.SimpleString) for value in _values(string.parts)]
        return _as_call(original_node, [_rewritten(value) for value in values])

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:  # noqa: N802
        return updated_node.with_changes(type_parameters=None)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:  # noqa: N802
        return updated_node.with_changes(type_parameters=None)

    def leave_TypeAlias(self, original_node: cst.TypeAlias, updated_node: cst.TypeAlias) -> cst.Assign:  # noqa: N802
        return cst.Assign([cst.AssignTarget(updated_node.name)], updated_node.value)

    def leave_ExceptHandler(self, original_node: cst.ExceptHandler, updated_node: cst.ExceptHandler) -> cst.ExceptHandler:  # noqa: N802
        caught = updated_node.type
        if not isinstance(caught, cst.Tuple) or caught.lpar:
            return updated_node
        return updated_node.with_changes(type=caught.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))


def _strings(node: cst.BaseExpression) -> list[cst.SimpleString | cst.FormattedString | cst.TemplatedString]:
    """Return the strings that are concatenated by standing side by side."""
    if isinstance(node, cst.ConcatenatedString):
        return [*_strings(node.left), *_strings(node.right)]
    assert isinstance(node, cst.SimpleString | cst.FormattedString | cst.TemplatedString)
    return [node]


def _rewritten(node: cst.BaseExpression) -> cst.BaseExpression:
    result = node.visit(_Rewriter())
    assert isinstance(result, cst.BaseExpression)
    return result


def _values(parts: object) -> list[cst.BaseExpression]:
    """Return the expressions in the braces of a string."""
    assert isinstance(parts, list | tuple)
    return [part.expression for part in parts if isinstance(part, cst.FormattedStringExpression | cst.TemplatedStringExpression)]


def _as_call(original: cst.BaseExpression, values: list[cst.BaseExpression]) -> cst.Call:
    """Return a call with the values as arguments, over as many lines as the original."""
    lines = [cst.Module([]).code_for_node(node).count("\n") for node in (original, *values)]
    missing = max(lines[0] - sum(lines[1:]), 0)
    space: cst.BaseParenthesizableWhitespace = cst.SimpleWhitespace("")
    if missing:
        space = cst.ParenthesizedWhitespace(empty_lines=[cst.EmptyLine(indent=False)] * (missing - 1))
    return cst.Call(cst.Name("str"), [cst.Arg(value) for value in values], whitespace_before_args=space)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    sys.stdout.buffer.write(rewritten(Path(sys.argv[1]).read_text(encoding="utf-8")).encode())
