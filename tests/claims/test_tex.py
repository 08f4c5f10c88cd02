"""The reader of the records' TeX."""

import pytest

from icl_claims.claims.tex import Unreadable, normal, parse


@pytest.mark.parametrize(
    ("text", "outline"),
    [
        (r"\frac14+\frac1{16}", "sum_of(quotient(1, 4), quotient(1, 16))"),
        (r"20\,000", "20000"),
        (r"2r\,x", "product(2, r, x)"),
        ("a_lsp_l^2", "product(sub(a, l), s, power(sub(p, l), 2))"),
        ("-a_lb_l/n", "negative(quotient(product(sub(a, l), sub(b, l)), n))"),
        ("a-b-c", "sum_of(a, negative(b), negative(c))"),
        (r"f''(a)", "product(prime(prime(f)), group(a))"),
        (r"\operatorname{tr}(AB)+c", r"sum_of(trace(group(product(A, B))), c)"),
        (r"\operatorname{tr}AB/c", "quotient(trace(product(A, B)), c)"),
        (r"\mathbb E\operatorname{tr}W^k", "expectation(trace(power(W, k)))"),
        (r"\sum_{m=1}^ip_m", "sum(relation=(m, 1), i, sub(p, m))"),
        (r"\sum_lx_l+y_l", "sum(l, sum_of(sub(x, l), sub(y, l)))"),
        (r"\sum_lx_l+c", "sum_of(sum(l, sub(x, l)), c)"),
        (
            r"\int\prod_l(1-a_ls)\,d\mu(s)",
            r"integral(product(prod(l, group(sum_of(1, negative(product(sub(a, l), s))))), measure(group(s))))",
        ),
        (r"f-\min f", "sum_of(f, negative(minimum(f)))"),
        ("a=b<c", "relation= <(a, b, c)"),
        (r"x,y\succeq0", r"relation\succeq(list(x, y), 0)"),
        (r"\to0", r"relation\to(, 0)"),
        (r"(x,y)", "tuple(x, y)"),
        (r"(A;0)", "stack(A, 0)"),
        (r"\{A_l=a_lI\text{ for all }l\}", "set(relation=(sub(A, l), product(sub(a, l), I)), l)"),
        (r"p_{\nu\setminus r}", r"sub(p, without(\nu, r))"),
        (r"\nabla_{A_l}f", "gradient(f, sub(A, l))"),
        (r"\bigl(a\bigr)^\top", r"power(group(a), \top)"),
        (r"|a_0|>|b|", "relation>(modulus(sub(a, 0)), modulus(b))"),
    ],
)
def test_trees(text: str, outline: str) -> None:
    assert parse(text).outline() == outline


@pytest.mark.parametrize(
    "text",
    [r"\sqrt2", "(a", "a)", r"\frac1", "a^", "a_", "a+", "", r"\begin{pmatrix}0", "=", r"\sum", "a b]"],
)
def test_what_is_not_read_is_an_error(text: str) -> None:
    with pytest.raises(Unreadable):
        parse(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a_l s", "a_ls"),
        (r"\alpha b", r"\alpha  b"),
        (r"A\,b", "Ab"),
        (r"\bigl(a\bigr)", "(a)"),
        ("n +1", "n+1"),
    ],
)
def test_blanks_and_sizes_do_not_matter(one: str, other: str) -> None:
    assert normal(one) == normal(other)


def test_blanks_that_matter_stay() -> None:
    assert normal(r"\alpha b") == r"\alpha b"
    assert normal(r"a \text{ for all }l") == r"a\text{ for all }l"


def test_no_blank_comes_between_commands() -> None:
    assert normal(r"\mathcal \Sigma \alpha") == r"\mathcal\Sigma\alpha"
