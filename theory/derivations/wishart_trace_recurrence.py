"""The five-term recurrence of E tr W^k for a real Wishart matrix W: its derivation from the density of the eigenvalues.

For even d the mean density of the eigenvalues is a polynomial in a weight, two Laguerre polynomials and an integral of
one of them, and satisfies a differential equation; integrated against powers of x, that is the recurrence.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from icl_claims.theory.derivation import Derivation, Lemma
from icl_claims.theory.wishart.density import (
    ALGEBRA,
    prove_density,
    prove_equation,
    prove_skew_orthogonal,
    prove_start,
)
from icl_claims.theory.wishart.recurrence import recurrence, start


class Recurrence(NamedTuple):
    """Σ_j c_j m_{k−j} = 0 for k ≥ 4, and the first moments: polynomials in d, n and k."""

    c0: Any
    c1: Any
    c2: Any
    c3: Any
    c4: Any
    m1: Any
    m2: Any
    m3: Any


_d, _n, *_, _k = ALGEBRA.gens()
STATED = Recurrence(*recurrence(_d + _n, _d * _n)(_k), *start(_d * _n, _d + _n, _d * _n))

SIZES = ((2, 3), (2, 9), (4, 7), (6, 11))
"""(d, n) at which the density is integrated."""

MUIRHEAD = (
    "R. J. Muirhead (1982), Aspects of Multivariate Statistical Theory, Theorem 3.2.18: the joint density"
)
DE_BRUIJN = "N. G. de Bruijn (1955), J. Indian Math. Soc. 19, 133–151: integrals as Pfaffians"
SZEGO = "G. Szegő (1975), Orthogonal Polynomials, 5.1 and 3.2: Laguerre polynomials"
ADLER = "M. Adler, P. J. Forrester, T. Nagao, P. van Moerbeke (2000), J. Stat. Phys. 99, 141–170: density for even d"


def skew() -> None:
    """The Laguerre polynomials of even degree in the antisymmetric form."""
    prove_skew_orthogonal((0, 2, 4, 6), (1, 3, 5))


def density() -> None:
    """The density integrates to the moments."""
    prove_density(SIZES, 12)


def equation(stated: Recurrence) -> None:
    """The differential equation of the density."""
    prove_equation(stated[:5])


def first_moments(stated: Recurrence) -> None:
    """m_1, m_2 and m_3."""
    prove_start(stated[5:])


DERIVATION = Derivation(
    (
        Lemma(
            r"For $n\ge d$ the eigenvalues of $W$ have a joint density proportional to "
            r"$\prod_iw(x_i)\prod_{i<j}|x_i-x_j|$ on $(0,\infty)^d$, with $w(x)=x^{(a-1)/2}e^{-x/2}$ and $a=n-d$.",
            "This is the cited theorem at $\\Sigma=I$.",
            step="citation",
            cites=(MUIRHEAD,),
        ),
        Lemma(
            r"For even $d$ and a basis $p_0,\dots,p_{d-1}$ of the polynomials of degree below $d$, the integral of "
            r"$\prod_ig(x_i)w(x_i)\prod_{i<j}|x_i-x_j|$ is a constant times the Pfaffian of the matrix with the "
            r"entries $\iint\operatorname{sgn}(y-x)\,p_j(x)p_k(y)\,g(x)g(y)\,w(x)w(y)\,dx\,dy$.",
            "De Bruijn's formula.",
            step="citation",
            cites=(DE_BRUIJN,),
        ),
        Lemma(
            "The Laguerre polynomials $L_j=L_j^{(a)}$ are orthogonal for $xw^2=x^ae^{-x}$, with norms "
            r"$h_j=\Gamma(j+a+1)/j!$; $xL_j'=jL_j-(j+a)L_{j-1}$; $(j+1)L_{j+1}=(2j+a+1-x)L_j-(j+a)L_{j-1}$; and "
            r"$\sum_{j\le m}L_j^2/h_j=\frac{m+1}{h_m}(L_m'L_{m+1}-L_{m+1}'L_m)$.",
            "Classical facts.",
            step="citation",
            cites=(SZEGO,),
        ),
        Lemma(
            r"Let $(\varepsilon f)(x)=\int\operatorname{sgn}(y-x)f(y)w(y)\,dy$ and $\langle f,g\rangle=\int "
            r"fw\,\varepsilon g\,dx=-\langle g,f\rangle$. For even $j$: $\langle q,L_j\rangle=0$ for all $q$ of "
            r"degree at most $j$, and $\langle L_{j+1},L_j\rangle=\frac{4h_j}{j+1}$.",
            r"Let $Nq=xq'+\frac{a+1-x}2q$. As $(xwq)'=wNq$, we have $\varepsilon(Nq)=-2xwq$ and $\langle "
            r"f,Nq\rangle=-2\int fq\,xw^2dx$; and by Lemma 3 $NL_j=\frac{j+1}2L_{j+1}-\frac{j+a}2L_{j-1}$. The "
            r"polynomials of degree at most $j$ have an odd dimension, so some $u\ne0$ among them has $\langle "
            r"u,q\rangle=0$ for all of them. For $q$ of degree below $j$ this gives $0=\langle u,Nq\rangle=-2\int "
            r"uq\,xw^2dx$, so $u$ is a multiple of $L_j$. The second statement follows from $-2h_j=\langle "
            r"L_j,NL_j\rangle=\frac{j+1}2\langle L_j,L_{j+1}\rangle$.",
            skew,
            "j = 0, 2, 4, 6 and a = 1, 3, 5",
            step="citation",
            cites=(ADLER,),
        ),
        Lemma(
            "For even $d$ and $n>d$ the mean density of the eigenvalues, of total mass $d$, is "
            r"$\frac{(d-1)!}{(n-2)!}\rho_0$ with $\rho_0=w^2[(d-1)P^2-(d+n-2-x)PQ+(n-1)Q^2]+\frac14wP\Psi$, where "
            r"$P=L_{d-1}$, $Q=L_{d-2}$ and $\Psi=\varepsilon Q$.",
            "Put $g=1+tf$ in Lemma 2 and differentiate at $t=0$: the density is $w(x)G(x,x)$, where $G$ is the one "
            r"combination of products $p(x)\,(\varepsilon q)(y)$ of polynomials below degree $d$ with $\int "
            r"G(x,y)w(y)p(y)\,dy=p(x)$ for all such $p$. It is $G=yw(y)\sum_{j\le "
            r"d-2}L_j(x)L_j(y)/h_j+\frac{d-1}{4h_{d-2}}L_{d-1}(x)(\varepsilon L_{d-2})(y)$. For the first part "
            "reproduces the polynomials of degree at most $d-2$ and annihilates $L_{d-1}$, by Lemma 3, and the "
            "second the other way round, by Lemma 4 with $j=d-2$; and $G$ is such a combination, because "
            r"$ywL_j=-\frac12\varepsilon(NL_j)$. The sum in Lemma 3 puts $G(x,x)$ into the stated form.",
            density,
            "integrals against x^k, k ≤ 12, at (d, n) = (2, 3), (2, 9), (4, 7), (6, 11), against the zonal sum",
            step="citation",
            cites=(ADLER,),
        ),
        Lemma(
            r"With $\theta=x\frac d{dx}$ and $c_j(k)$ the coefficients of the recurrence, "
            r"$\sum_jc_j(3-\theta)(x^{4-j}\rho_0)=0$. So the recurrence holds for $k\ge4$, every even $d$ and every "
            "$n>d$.",
            r"By Lemma 3 $\theta$ maps polynomials in $x,w,P,Q,\Psi$ to such: $\theta w=\frac12(n-d-1-x)w$, "
            r"$\theta\Psi=-2xwQ$, $\theta P=(d-1)P-(n-1)Q$, $\theta Q=(d-1)P-(n-1-x)Q$. The equation is an identity "
            r"of polynomials in these and in $d,n$. Multiply it by $x^{k-4}$ and integrate: by parts $\int "
            r"x^{k-4}\theta f\,dx=-(k-3)\int x^{k-4}f\,dx$, without boundary terms, since $f$ is $w^2$ or $w\Psi$ "
            r"times polynomials, $\Psi$ is bounded and $n>d$.",
            equation,
            "all d, n, as an identity of polynomials in d, n, x, w, P, Q, Ψ",
        ),
        Lemma(
            r"The recurrence holds for all $d,n\ge1$ and $k\ge4$, and starts with the stated $m_1,m_2,m_3$.",
            "For fixed $k$ its left side is a polynomial in $d$ and $n$, as every moment is. It vanishes for every "
            "even $d$ and every $n>d$, so it is zero. The first three moments are those that integration by parts "
            "gives.",
            first_moments,
            "m_1, m_2, m_3 for all d, n",
        ),
    )
)
