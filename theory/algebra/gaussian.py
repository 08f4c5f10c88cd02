"""Expectations of word polynomials over Gaussian matrices, by integration by parts.

For Y with E Y_{ia} Y_{kb} = U_{ik} V_{ab} (a *matrix normal* law: row covariance U, column
covariance V), Stein's identity removes one Y against each other one. Inside a word, or between two
traces, with M whatever stands between the pair:

    Y M Y   →  U Mᵀ V            Y M Yᵀ   →  tr(M V) U
    tr(Y P) tr(Y Q)  →  tr(U Qᵀ V P)

and the transposes of these. Every term is a pairing (Isserlis); equal partial results meet in the
memo, so the cost is the number of distinct terms on the way, not of pairings. The result is exact
and holds for all sizes: this is the definition that faster routes are checked against.

References:
    [1] L. Isserlis (1918), Biometrika 12, 134–139. [2] C. Stein (1981), Ann. Statist. 9, 1135–1151.
"""

from __future__ import annotations

from functools import reduce

from icl_claims.theory.algebra.words import FIELD, Letter, Term, Word, Words, eye, of_letter


def expectation(polynomial: Words, gaussian: Words, rows: Words, cols: Words | None = None) -> Words:
    """E of a word polynomial over one Gaussian letter, the other letters held fixed.

    Args:
        polynomial: any word polynomial.
        gaussian: the letter Y (a polynomial that is one letter), of shape r × c.
        rows: its row covariance U, r × r, symmetric.
        cols: its column covariance V, c × c, symmetric; the identity by default.

    Raises:
        ValueError: ``gaussian`` is not one letter, or a covariance has the wrong shape.

    >>> from icl_claims.theory.algebra.words import letter
    >>> X, Sigma = letter("X", "d", "n"), letter("Sigma", "d", "d", symmetric=True)
    >>> expectation(X @ X.T, X, Sigma)
    (n) Sigma
    """
    y = _single_letter(gaussian)
    v = eye(y.cols) if cols is None else cols
    for name, covariance, size in (("rows", rows, y.rows), ("cols", v, y.cols)):
        if (covariance.rows, covariance.cols) != (size, size) or covariance != covariance.T:
            raise ValueError(f"{name} must be a symmetric {size}×{size} polynomial, got {covariance!r}")
    memo: dict[tuple[Term, str, str], Words] = {}

    def mean(term: Term, shape: tuple[str, str]) -> Words:
        key = (term, *shape)
        if key not in memo:
            contracted = _contractions(term, shape, y, rows, v)
            memo[key] = _as_words(term, shape) if contracted is None else linear(contracted)
        return memo[key]

    def linear(words: Words) -> Words:
        total = Words(words.rows, words.cols, {})
        for term, c in words.terms.items():
            total = total + mean(term, (words.rows, words.cols)) * c
        return total

    return linear(polynomial)


def _contractions(term: Term, shape: tuple[str, str], y: Letter, rows: Words, cols: Words) -> Words | None:
    """The sum over partners of the first Y in a term; None where the term holds no Y."""
    traces, word = term
    open_words = [word, *traces]
    host = next((i for i, part in enumerate(open_words) if _positions(part, y)), None)
    if host is None:
        return None
    here = open_words[host]
    first = _positions(here, y)[0]
    left, right = (cols, rows) if here[first].transposed else (rows, cols)
    before, after = here[:first], here[first + 1 :]
    rest = Words("1", "1", {(tuple(t for i, t in enumerate(traces, 1) if i != host), ()): FIELD.one})
    main = Words(*shape, {((), word): FIELD.one}) if host else None
    total = Words(*shape, {})

    def close(part: Words) -> Words:
        """A contracted host word back in its place: as the matrix part, or as a trace beside it."""
        return part if main is None else main * part.trace()

    for k in _positions(after, y):
        between, behind = after[:k], after[k + 1 :]
        inner = _chain(between, here[first].cols)
        if after[k].transposed == here[first].transposed:
            part = left @ inner.T @ right
        else:
            part = left * (inner @ right).trace()
        total = total + close(_chain(before, part.rows) @ part @ _chain(behind, part.cols)) * rest
    for i, trace in enumerate(traces, 1):
        if i == host:
            continue
        others = Words(
            "1", "1", {(tuple(t for j, t in enumerate(traces, 1) if j not in (i, host)), ()): FIELD.one}
        )
        for k in _positions(trace, y):
            partner = trace[k]
            around = _chain(trace[k + 1 :] + trace[:k], partner.cols)
            inner = around.T if partner.transposed == here[first].transposed else around
            part = left @ inner @ right
            total = total + close(_chain(before, part.rows) @ part @ _chain(after, part.cols)) * others
    return total


def _chain(word: Word, size: str) -> Words:
    """A word as a polynomial; the identity of ``size`` where it is empty."""
    return reduce(Words.__matmul__, map(of_letter, word)) if word else eye(size)


def _positions(word: Word, y: Letter) -> list[int]:
    return [i for i, x in enumerate(word) if x.name == y.name]


def _as_words(term: Term, shape: tuple[str, str]) -> Words:
    return Words(*shape, {term: FIELD.one})


def _single_letter(words: Words) -> Letter:
    letters = words.letters()
    if len(letters) != 1 or len(words.terms) != 1:
        raise ValueError(f"gaussian must be one letter, got {words!r}")
    return next(iter(letters))
