"""Scaffold a proposition of a user's own: its record, its derivation, its evidence.

What is written runs at once, on a small true example, and is visibly incomplete: a mutant and the
necessity of an assumption are still owed. It is a draft, which fails nothing. Replacing the example is the user's part.
"""

from __future__ import annotations

import keyword
from pathlib import Path

from icl_claims.claims import registry
from icl_claims.claims.claim import SLUG

TEMPLATES = Path(__file__).parent / "templates"


def scaffold(slug: str, root: Path) -> tuple[Path, ...]:
    """Write the three files, all or none; their paths (record, theory, test).

    Raises:
        ValueError: the slug is malformed or taken, one of the files is there already, or ``root`` is no
            clone of the repository.
    """
    if not SLUG.fullmatch(slug) or keyword.iskeyword(slug):
        raise ValueError(f"SLUG must be lower-case words joined by underscores, no keyword, got {slug!r}")
    if slug in registry.registry():
        raise ValueError(f"SLUG must be new, got {slug!r}, which is registered; see 'icl-claims show {slug}'")
    targets = {
        root / "claims" / "records" / "suite" / f"{slug}.py": "new_record.py.j2",
        root / "theory" / "derivations" / f"{slug}.py": "new_theory.py.j2",
        root / "tests" / "claims" / "suite" / f"test_claim_{slug}.py": "new_test.py.j2",
    }
    for path in targets:
        if not path.parent.is_dir():
            raise ValueError(f"icl-claims new needs a clone of the repository: {path.parent} is not there")
        for taken in (path, path.with_suffix("")):
            if taken.exists():
                raise ValueError(
                    f"SLUG must be new, got {slug!r}, for which {taken.relative_to(root)} exists"
                )
    _write_all({path: _render(name, slug) for path, name in targets.items()})
    return tuple(targets)


def _render(name: str, slug: str) -> str:
    # Imported here: only this command and the reports need templates.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template(name).render(slug=slug)


def _write_all(texts: dict[Path, str]) -> None:
    """Create every file, or leave none: no file that exists is overwritten, and a failure takes all back."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            with path.open("x", encoding="utf-8", newline="\n") as handle:
                written.append(path)
                handle.write(text)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
