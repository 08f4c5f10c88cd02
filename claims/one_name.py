"""Each module is imported under one name, also where pytest is given the path of a folder at the top.

``theory/task.py`` is the file of ``icl_claims/theory/task.py``, which is a link to it. Collected by the first path
it would be imported as ``theory.task``, a second module with classes of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = "icl_claims"


def is_linked_to(path: Path, root: Path) -> bool:
    """Whether ``path`` is a folder at the top that the package has a link to."""
    link = root / PACKAGE / path.name
    return path.parent == root and link.is_symlink() and link.resolve() == path.resolve()


def under_package(argument: str, folder: Path, root: Path) -> str:
    """An argument of pytest with its path led through the package; others come back as they are.

    Args:
        argument: a path, from ``folder`` or absolute, perhaps with ``::`` and a test behind it.
        folder: where the command was given.
        root: the folder of ``pyproject.toml``.
    """
    given, separator, test = argument.partition("::")
    path = Path(os.path.abspath(folder / given))  # Links stay: resolved ones would lead out of the package.
    if not path.is_relative_to(root) or path == root:
        return argument
    inside = path.relative_to(root)
    if not is_linked_to(root / inside.parts[0], root):
        return argument
    return f"{root / PACKAGE / inside}{separator}{test}"
