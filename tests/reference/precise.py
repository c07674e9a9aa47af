"""Maximum likelihood and least squares in high precision.

Small data (`Exact`): every double is taken exactly and all arithmetic is done with 50 decimal digits
(mpmath), so that rounding the results to doubles is the only error left.
Large data (`Extended`): sums in 80-bit floating point (numpy.longdouble), small matrices with 50
digits. `generate.py` runs both on the same data and records how far apart they are.
"""

import numpy as np
from mpmath import mp, mpf

mp.dps = 50
LARGE = 20_000  # rows from which the 80-bit sums are used


def to_mpf(value):
    """An 80-bit number as an exact mpf: its leading double plus what that leaves."""
    leading = float(value)
    return mpf(leading) + mpf(float(value - np.longdouble(leading)))


class Exact:
    """Sums over rows with 50 digits."""

    def __init__(self, x):
        self.rows = [[mpf(float(v)) for v in row] for row in x]
        self.k = len(self.rows[0])

    def vector(self, values):
        return [v if isinstance(v, mpf) else mpf(float(v)) for v in values]

    def linear(self, coef):
        return [mp.fdot(row, coef) for row in self.rows]

    def gram(self, weights=None):
        h = mp.matrix(self.k)
        for i in range(self.k):
            for j in range(i + 1):
                if weights is None:
                    s = mp.fdot((r[i], r[j]) for r in self.rows)
                else:
                    s = mp.fdot((r[i] * r[j], w) for r, w in zip(self.rows, weights))
                h[i, j] = h[j, i] = s
        return h

    def moments(self, values):
        return mp.matrix([mp.fdot((r[i], v) for r, v in zip(self.rows, values)) for i in range(self.k)])

    def logistic(self, eta, y):
        """mu, mu(1-mu), log-likelihood."""
        mu = [1 / (1 + mp.exp(-e)) for e in eta]
        ll = mp.fsum(mp.log(m) if t else mp.log(1 - m) for m, t in zip(mu, y))
        return mu, [m * (1 - m) for m in mu], ll

    def subtract(self, a, b):
        return [p - q for p, q in zip(a, b)]

    def square(self, a):
        return [v * v for v in a]

    def sum(self, a):
        return mp.fsum(a)


class Extended:
    """The same sums in 80-bit floating point, columns times 1 (never centred or scaled)."""

    def __init__(self, x):
        self.columns = [np.asarray(c, dtype=np.longdouble) for c in np.asarray(x).T]
        self.k = len(self.columns)

    def vector(self, values):
        return np.asarray(values, dtype=np.longdouble)

    def linear(self, coef):
        total = np.zeros_like(self.columns[0])
        for column, c in zip(self.columns, coef):
            leading = float(c)
            total += column * (np.longdouble(leading) + np.longdouble(float(c - mpf(leading))))
        return total

    def gram(self, weights=None):
        h = mp.matrix(self.k)
        for i in range(self.k):
            left = self.columns[i] if weights is None else self.columns[i] * weights
            for j in range(i + 1):
                h[i, j] = h[j, i] = self.sum(left * self.columns[j])
        return h

    def moments(self, values):
        return mp.matrix([self.sum(c * values) for c in self.columns])

    def logistic(self, eta, y):
        # log(1 + e^eta) without overflow: max(eta, 0) + log1p(e^-|eta|)
        tail = np.exp(-np.abs(eta))
        mu = np.where(eta >= 0, 1 / (1 + tail), tail / (1 + tail))
        ll = self.sum(y * eta - np.maximum(eta, 0) - np.log1p(tail))
        return mu, tail / (1 + tail) ** 2, ll

    def subtract(self, a, b):
        return a - b

    def square(self, a):
        return a * a

    def sum(self, a):
        return to_mpf(np.sum(a, dtype=np.longdouble))  # numpy sums pairwise


def sums_for(x):
    return Exact(x) if len(x) < LARGE else Extended(x)


def eigenvalue_ratio(h):
    values = sorted(mp.eigsy(h, eigvals_only=True))
    return values[-1] / values[0]


def normal_two_sided(z):
    return mp.erfc(abs(z) / mp.sqrt(2))


def student_two_sided(t, df):
    """2 P(T > |t|) = I_x(df/2, 1/2), x = df / (df + t^2), by its continued fraction (DLMF 8.17.22; mpmath's betainc,
    which agrees, takes minutes at a million degrees of freedom). Integrating the density instead was tried and
    missed by 2e-9 where |t| > 15: `generate.py` checks every tail against scipy."""
    a, b = mpf(df) / 2, mpf(1) / 2
    x, rest = df / (df + t * t), t * t / (df + t * t)
    if x < (a + 1) / (a + b + 2):
        return beta_ratio(a, b, x, rest)
    return 1 - beta_ratio(b, a, rest, x)


def beta_ratio(a, b, x, rest):
    """I_x(a, b) for x below its mean, rest = 1 - x; modified Lentz."""
    front = mp.exp(mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b) + a * mp.log(x) + b * mp.log(rest)) / a
    c, d = mpf(1), 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            c, d = 1 + term / c, 1 / (1 + term * d)
            fraction *= c * d
        if abs(c * d - 1) < mpf(10) ** (5 - mp.dps):
            return front * fraction
    raise ArithmeticError("the continued fraction did not settle")


def fit_logistic(x, y, start, sums=None):
    """Newton's method on the log-likelihood of P(y=1) = 1/(1+exp(-x'b)), from `start` (a double-precision
    optimum) until a step no longer changes a coefficient by more than `enough`, relatively.

    Everything reported belongs to the last coefficients: covariance = (X'WX)^-1, W = diag(mu(1-mu)).
    """
    sums = sums or sums_for(x)
    enough = mpf(10) ** (-40 if isinstance(sums, Exact) else -16)
    target = sums.vector(y)
    coef = mp.matrix([mpf(float(v)) for v in start])
    for _ in range(20):
        mu, w, ll = sums.logistic(sums.linear(coef), target)
        h = sums.gram(w)
        step = mp.lu_solve(h, sums.moments(sums.subtract(target, mu)))
        if max(abs(s / c) for s, c in zip(step, coef)) < enough:
            break
        coef = coef + step
    else:
        raise ArithmeticError("Newton's method did not settle")
    v = h ** -1
    std_err = [mp.sqrt(v[i, i]) for i in range(sums.k)]
    z = [c / s for c, s in zip(coef, std_err)]
    return {
        "coef": list(coef),
        "std_err": std_err,
        "z_stats": z,
        "p_values": [normal_two_sided(q) for q in z],
        "odds_ratios": [mp.exp(c) for c in coef],
        "log_likelihood": ll,
        "condition_no": mp.sqrt(eigenvalue_ratio(h)),
        "variance_covariance": list(v),
        "fitted": mu,
    }


def fit_linear(x, y, sums=None):
    """Least squares by the normal equations, which 50 digits (or 80 bits on mildly conditioned data) allow.

    r2 uses the centred total sum of squares, condition_no is that of X (not of X'X). Breusch-Pagan:
    `bp_koenker` = n R^2 of the squared residuals on X (Koenker 1981; statsmodels' default),
    `bp_original` = half the explained sum of squares of e^2 / (RSS/n) (Breusch and Pagan 1979); both
    chi-squared with k - 1 degrees of freedom, X holding a constant.
    """
    sums = sums or sums_for(x)
    n, k = len(x), sums.k
    target = sums.vector(y)
    g = sums.gram()
    inverse = g ** -1
    coef = mp.lu_solve(g, sums.moments(target))
    for _ in range(3):  # refinement: the residual is formed from the rows, not from the moments
        residual = sums.subtract(target, sums.linear(coef))
        coef = coef + inverse * sums.moments(residual)
    residual = sums.subtract(target, sums.linear(coef))
    rss = sums.sum(sums.square(residual))
    total = centred_square(sums, target, n)
    v = inverse * (rss / (n - k))
    std_err = [mp.sqrt(v[i, i]) for i in range(k)]
    t = [c / s for c, s in zip(coef, std_err)]
    squared = sums.square(residual)
    explained = sums.square(sums.linear(inverse * sums.moments(squared)))
    about_mean = sums.sum(explained) - sums.sum(squared) ** 2 / n
    koenker = n * about_mean / centred_square(sums, squared, n)
    original = about_mean / (rss / n) ** 2 / 2
    return {
        "coef": list(coef),
        "r2": 1 - rss / total,
        "std_err": std_err,
        "t_stats": t,
        "p_values": [student_two_sided(q, n - k) for q in t],
        "condition_no": mp.sqrt(eigenvalue_ratio(g)),
        "bp_koenker": koenker,
        "bp_koenker_p": mp.gammainc(mpf(k - 1) / 2, koenker / 2, mp.inf, regularized=True),
        "bp_original": original,
        "bp_original_p": mp.gammainc(mpf(k - 1) / 2, original / 2, mp.inf, regularized=True),
        "variance_covariance": list(v),
        "fitted": sums.linear(coef),
    }


def centred_square(sums, values, n):
    mean = sums.sum(values) / n
    if isinstance(sums, Extended):
        leading = np.longdouble(float(mean)) + np.longdouble(float(mean - mpf(float(mean))))
        return sums.sum(sums.square(values - leading))
    return mp.fsum((v - mean) ** 2 for v in values)
