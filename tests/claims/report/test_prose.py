"""Text with TeX in the reports: nothing in it is taken for a tag, for emphasis or for the end of a formula."""

from __future__ import annotations

import pytest

from icl_claims.claims.report import prose


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a *b* <i>", "<p>a <em>b</em> &lt;i&gt;</p>\n"),
        ("`$x$` costs $5 and $6", "<p><code>$x$</code> costs $5 and $6</p>\n"),
        (r"\$x$", "<p>$x$</p>\n"),
        ("![x](y.png)", '<p>!<a href="y.png">x</a></p>\n'),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>\n"),
        (r"$\nonsense<$", '<p><code class="no-tex">\\nonsense&lt;</code></p>\n'),
        ("\ue0000\ue001", "<p>0</p>\n"),
    ],
)
def test_markdown_with_tex_as_html(source: str, shown: str) -> None:
    assert prose.prose_html(source) == shown


def test_formulas_mean_nothing_to_markdown() -> None:
    assert prose.prose_html(r"$a_*b_*$").count("<msub>") == 2
    assert prose.prose_html("| a |\n|---|\n| $|x|$ |").count("<td>") == 1
    assert "<li>" not in prose.prose_html("$x\n- y$")
    assert 'display="block"' in prose.prose_html("so $$x$$")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("3*d*n <i>", "3*d*n &lt;i&gt;"),
        ("`a  b` & $", "<code>a  b</code> &amp; $"),
        ("$x$", "<math><mi>x</mi></math>"),
    ],
)
def test_plain_text_with_tex_as_html(source: str, shown: str) -> None:
    assert prose.plain_html(source) == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("3*d*n <i>", r"3\*d\*n &lt;i>"),
        ("a_b _c_\nd", r"a_b \_c\_ d"),
        ("[x](y) at $x_*$", r"\[x\](y) at $`x_*`$"),
        ("`a*b` costs $5", r"`a*b` costs \$5"),
        (r"\$5_ and \$6", r"\$5\_ and \$6"),
    ],
)
def test_plain_text_with_tex_for_github(source: str, shown: str) -> None:
    assert prose.plain_github(source) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1/3 * x_0", "`1/3 * x_0`"),
        ("$x_*$  at 1", "$`x_*`$ at 1"),
        ("`a*b` at 1", "`a*b` at 1"),
        ("a ` b", r"a \` b"),
    ],
)
def test_values_are_code_unless_they_hold_some(value: str, shown: str) -> None:
    assert prose.value_github(value) == shown


def test_markdown_with_tex_for_github() -> None:
    assert prose.prose_github(r"*a* $\{x_*\}$ <b>") == r"*a* $`\{x_*\}`$ &lt;b>"
    assert prose.prose_github("so $$x$$ and") == "so \n\n```math\nx\n```\n\n and"


@pytest.mark.parametrize(("text", "cell"), [("`a|b`", r"`a\|b`"), ("$a|b$", r"$`a\vert{}b`$")])
def test_a_bar_in_a_cell_stays_a_bar(text: str, cell: str) -> None:
    assert prose.cell_github(text) == cell
