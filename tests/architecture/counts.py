"""Counts what the house rules are about, in any checkout.

`python tests/architecture/counts.py [ROOT]` prints one table, so that two states of the code can be
laid side by side.

A code line is a line that holds code: blank lines, comments and docstrings do not count.
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)
NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
# Comments that speak to a tool, not to a reader.
TOOL_COMMENTS = ("# noqa", "# type:", "# fmt:", "# pragma")
# Names that stood for several things each.
VAGUE_NAMES = ("part", "found", "heard", "known", "kept", "chosen")
MOST_ARGUMENTS = 8


@dataclass(frozen=True)
class Source:
    """One module: its path below the package, its text, syntax tree and tokens."""

    path: Path
    text: str
    tree: ast.Module
    tokens: list[tokenize.TokenInfo]
    code_lines: frozenset[int]

    @property
    def room(self) -> str:
        """The folder of the package it lies in; a module of the package's own is its own room."""
        return self.path.parts[0].removesuffix(".py")


def read(path: Path, package: Path) -> Source:
    """The module at ``path``."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    lines = code_line_numbers(tree, tokens)
    return Source(path.relative_to(package), text, tree, tokens, lines)


def code_line_numbers(tree: ast.Module, tokens: list[tokenize.TokenInfo]) -> frozenset[int]:
    """The numbers of the lines that hold code."""
    lines: set[int] = set()
    for token in tokens:
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        docstring = docstring_node(node)
        if docstring is not None:
            lines.difference_update(line_span(docstring))
    return frozenset(lines)


def docstring_node(node: ast.AST) -> ast.stmt | None:
    """The statement that is the node's docstring."""
    if not isinstance(node, DOCUMENTED) or ast.get_docstring(node) is None:
        return None
    return node.body[0]


def line_span(node: ast.stmt) -> range:
    """The numbers of the lines the statement stands on."""
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def nodes(sources: list[Source]) -> Iterator[ast.AST]:
    """Every syntax node of every module."""
    for source in sources:
        yield from ast.walk(source.tree)


def file_sizes(sources: list[Source]) -> list[int]:
    """Code lines of each module; a module that is a docstring alone is left out."""
    sizes = [len(source.code_lines) for source in sources]
    return [size for size in sizes if size]


def physical_sizes(sources: list[Source]) -> list[int]:
    """All lines of each module, docstrings and blank lines among them."""
    return [len(source.text.splitlines()) for source in sources if source.code_lines]


def function_sizes(sources: list[Source]) -> list[int]:
    """Code lines of each function and method, its signature included."""
    return [
        len(source.code_lines.intersection(line_span(node)))
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, FUNCTIONS)
    ]


def any_uses(sources: list[Source]) -> int:
    """How often `Any` stands in an annotation."""
    return sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes(sources))


def calls_of(sources: list[Source], names: set[str]) -> int:
    """How often one of the built-in functions is called."""
    count = 0
    for node in nodes(sources):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            count += node.func.id in names
    return count


def comprehensions(sources: list[Source]) -> int:
    """How many comprehensions there are, generator expressions among them."""
    return sum(isinstance(node, COMPREHENSIONS) for node in nodes(sources))


def nested_comprehensions(sources: list[Source]) -> int:
    """How many comprehensions have two loops or hold another comprehension."""
    count = 0
    for node in nodes(sources):
        if isinstance(node, COMPREHENSIONS):
            inner = [child for child in ast.walk(node) if isinstance(child, COMPREHENSIONS)]
            # The walk begins with the comprehension itself.
            count += len(node.generators) > 1 or len(inner) > 1
    return count


def comment_lines(sources: list[Source]) -> int:
    """How many lines carry a comment for a reader."""
    count = 0
    for source in sources:
        for token in source.tokens:
            if token.type == tokenize.COMMENT:
                count += not token.string.startswith(TOOL_COMMENTS)
    return count


def constructor_sizes(sources: list[Source]) -> list[int]:
    """How many arguments each class is made with; a dataclass's are its fields."""
    sizes = []
    for node in nodes(sources):
        if isinstance(node, ast.ClassDef):
            size = constructor_size(node)
            if size is not None:
                sizes.append(size)
    return sizes


def constructor_size(node: ast.ClassDef) -> int | None:
    """The class's own constructor's arguments; None where it inherits the constructor."""
    for statement in node.body:
        if isinstance(statement, FUNCTIONS) and statement.name == "__init__":
            arguments = statement.args
            named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            return len(named) - 1  # without self
    if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return sum(is_field(statement) for statement in node.body)
    return None


def is_field(statement: ast.stmt) -> bool:
    """Whether the statement of a dataclass's body is a field of its constructor."""
    if not isinstance(statement, ast.AnnAssign):
        return False
    no_argument = statement.value is not None and "init=False" in ast.unparse(statement.value)
    return not no_argument and "ClassVar" not in ast.unparse(statement.annotation)


def modules_per_room(sources: list[Source]) -> Counter[str]:
    """How many modules each room has, `__init__` apart."""
    return Counter(source.room for source in sources if source.path.stem != "__init__")


def mirrored(sources: list[Source], tests: Path) -> tuple[int, int]:
    """How many modules have a test file of their name in the folder that mirrors theirs; all modules."""
    modules = [source.path for source in sources if source.path.stem != "__init__"]
    tested = [path for path in modules if (tests / path.parent / f"test_{path.name}").is_file()]
    return len(tested), len(modules)


def name_uses(sources: list[Source]) -> Counter[str]:
    """How often each name stands in the code."""
    uses: Counter[str] = Counter()
    for source in sources:
        uses.update(token.string for token in source.tokens if token.type == tokenize.NAME)
    return uses


def longest_line(sources: list[Source]) -> int:
    """The length of the longest line."""
    return max(len(line) for source in sources for line in source.text.splitlines())


def count(root: Path) -> dict[str, str]:
    """What is counted -> the figure, of the package `mmser` below ``root``."""
    package = root / "mmser"
    sources = [read(path, package) for path in sorted(package.rglob("*.py"))]
    files, functions = file_sizes(sources), function_sizes(sources)
    constructors = constructor_sizes(sources)
    many = [size for size in constructors if size > MOST_ARGUMENTS]
    tested, modules = mirrored(sources, root / "tests")
    uses = name_uses(sources)
    lines, physical = sum(files), physical_sizes(sources)
    rooms = sorted(modules_per_room(sources).items(), key=lambda room: (-room[1], room[0]))
    return {
        "lines": f"{sum(physical)}",
        "lines of a file, median / max": f"{median(physical):g} / {max(physical)}",
        "code lines": f"{lines}",
        "code lines of a file, median / max": f"{median(files):g} / {max(files)}",
        "code lines of a function, median / max": f"{median(functions):g} / {max(functions)}",
        "functions": f"{len(functions)}",
        "Any, per thousand lines": rate(any_uses(sources), lines, 1000),
        "getattr and hasattr sites": f"{calls_of(sources, {'getattr', 'hasattr'})}",
        "casts": f"{calls_of(sources, {'cast'})}",
        "comprehensions, per hundred lines": rate(comprehensions(sources), lines, 100),
        "nested comprehensions": f"{nested_comprehensions(sources)}",
        "comment lines, per thousand lines": rate(comment_lines(sources), lines, 1000),
        f"constructors over {MOST_ARGUMENTS} arguments": f"{len(many)} of {len(constructors)}",
        "most arguments of a constructor": f"{max(constructors)}",
        "modules with a mirrored test": f"{tested} of {modules} ({tested / modules:.0%})",
        "names with many meanings": ", ".join(f"{name} {uses[name]}" for name in VAGUE_NAMES),
        "longest line": f"{longest_line(sources)}",
        "modules per room": ", ".join(f"{room} {size}" for room, size in rooms),
    }


def rate(number: int, lines: int, per: int) -> str:
    """``number`` and how many that are per so many lines."""
    return f"{number} ({number * per / lines:.1f})"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parents[2])
    figures = count(parser.parse_args().root)
    width = max(len(name) for name in figures)
    for name, figure in figures.items():
        print(f"{name:<{width}}  {figure}")


if __name__ == "__main__":
    main()
