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
        (r"2\,3", "product(2, 3)"),
        (r"20\,00", "product(20, 00)"),
        ("a/bc", "quotient(a, product(b, c))"),
        (r"\operatorname{tr}(A)c", "product(trace(group(A)), c)"),
        (r"\mathbb E[x]y", "product(expectation(group(x)), y)"),
        (r"\min_xa+b", "minimum(x, sum_of(a, b))"),
        (r"\sum^3_{k=1}k", "sum(relation=(k, 1), 3, k)"),
        (
            r"\int\prod_l(\sum_ka_k)s\,d\mu(s)",
            "integral(product(prod(l, product(group(sum(k, sub(a, k))), s)), measure(group(s))))",
        ),
        ("a/b/c", "quotient(quotient(a, b), c)"),
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
    ("text", "outline"),
    [(r"\frac E2", "quotient(E, 2)"), (r"\mathcal E", r"\mathcal E"), (r"\mathbb E\,x", "expectation(x)")],
)
def test_an_e_is_an_expectation_in_one_style_alone(text: str, outline: str) -> None:
    assert parse(text).outline() == outline


@pytest.mark.parametrize("text", [r"a=\,-b", r"a=-\,b", r"\,a\,=-b"])
def test_thin_spaces_stand_before_a_sign(text: str) -> None:
    assert parse(text).outline() == "relation=(a, negative(b))"


def test_the_text_of_a_part_starts_behind_the_blanks_before_it() -> None:
    assert [part.text for part in parse(r"a+\,-b+\,\pm c").parts] == ["a", "-b", r"\pm c"]


@pytest.mark.parametrize("text", [r"a/\,b", r"\,a/b", r"a\,/b"])
def test_thin_spaces_stand_anywhere_between_factors(text: str) -> None:
    assert parse(text).outline() == "quotient(a, b)"


UNKNOWN, MISSING, REST = "TeX is not understood at", "TeX must have", "TeX is not read from"
ARGUMENT = "TeX must have an argument at"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (text, f"{UNKNOWN} ''")
            for text in ("", "a+", "-", "=", "a<", "a,", "2/", r"\sum", r"\mathbb E", r"\nabla")
        ),
        *(
            (text, f"{UNKNOWN} {text!r}")
            for text in (r"\sqrt2", r"\begin{pmatrix}0", "{a}", ".5", r"\text{if }a")
        ),
        ("()", f"{UNKNOWN} ')'"),
        ("a=<b", f"{UNKNOWN} '<b'"),
        *(
            (text, f"{ARGUMENT} ''")
            for text in (r"\frac1", "a^", "a_", r"a_\mathcal", r"\mathcal", r"\frac{a}")
        ),
        ("a_+", f"{ARGUMENT} '+'"),
        (r"f_\nabla", rf"{ARGUMENT} '\\nabla'"),
        ("(a", f"{MISSING} ')' before ''"),
        ("(a]", f"{MISSING} ')' before ']'"),
        ("(a<b<c)", f"{MISSING} ')' before '<c)'"),
        (r"\lVert a|", rf"{MISSING} '\\rVert' before '|'"),
        ("|a", f"{MISSING} '|' before ''"),
        ("a_{b", f"{MISSING} '}}' before ''"),
        (r"\operatorname tr", f"{MISSING} '{{' before 'tr'"),
        (r"\operatorname{tr", f"{MISSING} '}}' before ''"),
        ("(a,b;c)", f"{MISSING} commas or semicolons in '(a,b;c)'"),
        ("a)", f"{REST} ')' on, in 'a)'"),
        ("a b]", f"{REST} ']' on, in 'a b]'"),
        ("1.", f"{REST} '.' on, in '1.'"),
        (r"a\text{ or }b", rf"{REST} '\\text{{ or }}b' on, in "),
    ],
)
def test_what_is_not_read_is_an_error(text: str, message: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(text)
    assert str(refused.value).startswith(message)


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
