"""Writes the reference numbers of the learners: tests/reference/learners.json.

    pip install numpy scikit-learn statsmodels
    python3 tests/reference/learners.py

The rows are small and stand in the JSON beside the fits. scikit-learn runs at tolerances far below its
defaults, so that what is compared is the minimum and not where a search stopped; its logistic fits are
carried on to the floor of rounding, and `sklearn_differs_by` says how far that was. Standard errors are those
of statsmodels.
"""

import datetime
import json
import pathlib
import warnings

import numpy as np
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge

HERE = pathlib.Path(__file__).parent


def dummies(codes, categories):
    return (np.asarray(codes)[:, None] == np.arange(categories)).astype(float)


def data_sets():
    random = np.random.default_rng(20261120)
    sets = {}

    def add(name, x, noise=1.0):
        n, d = x.shape
        x = np.round(x, 6)
        z = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
        slopes = random.normal(size=(d, 3)) / np.sqrt(min(d, 8))
        eta = z @ slopes
        noisy = eta + noise * random.gumbel(size=(n, 3))
        sets[name] = dict(
            x=x,
            number=np.round(3.0 + eta[:, 0] * 2 + noise * random.normal(size=n), 6),
            binary=(noisy[:, 0] > noisy[:, 1]).astype(float),
            three=noisy.argmax(1).astype(float),
            weight=np.round(random.choice([0, 0.25, 0.5, 1, 2, 7.5], size=n), 6),
        )

    add("plain", random.normal(size=(120, 4)) * [1, 3, 0.2, 1] + [0, 5, 0, -1])
    codes = random.integers(0, 4, size=90)
    add("collinear", np.column_stack([dummies(codes, 4), random.normal(size=(90, 2))]))
    add("separable", random.normal(size=(40, 3)), noise=0.0)
    add("wide", random.normal(size=(25, 40)))
    add("shifted", random.normal(size=(80, 3)) * [1, 10, 0.01] + [1e6, -1e5, 1e3])
    return sets


def logistic(x, y, w, c, intercept):
    """scikit-learn's fit, carried on to the floor of rounding by Newton steps on all classes at once.

    Returns intercepts and coefficients (one row for two classes), and how far scikit-learn was from them.
    """
    shift = np.average(x, axis=0, weights=w) if intercept else np.zeros(x.shape[1])
    model = LogisticRegression(C=c, fit_intercept=intercept, solver="newton-cholesky", tol=1e-8, max_iter=10000)
    model.fit(x - shift, y, sample_weight=w)
    two = len(model.classes_) == 2
    design = np.column_stack([np.ones(len(x)), x - shift]) if intercept else x
    first = int(intercept)
    theta = np.column_stack([model.intercept_, model.coef_]) if intercept else model.coef_.copy()
    start, lam = theta.copy(), np.full(design.shape[1], 1 / c)
    lam[:first] = 0
    targets = (y[:, None] == (model.classes_[1:] if two else model.classes_)).astype(float)
    def objective(theta):
        eta = design @ theta.T
        if two:
            loss = np.logaddexp(0, -(2 * targets - 1) * eta)[:, 0]
        else:
            loss = np.logaddexp.reduce(eta, axis=1) - (targets * eta).sum(1)
        return w @ loss + (lam * theta * theta).sum() / 2

    for _ in range(500):
        eta = design @ theta.T
        if two:
            p = 1 / (1 + np.exp(-eta))
            # Without cancellation where a probability is near 1.
            residual = (2 * targets - 1) / (1 + np.exp((2 * targets - 1) * eta))
        else:
            p = np.exp(eta - eta.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            others = p * (1 - targets)
            residual = targets * others.sum(1, keepdims=True) - others
        gradient = (w[:, None] * residual).T @ design - lam * theta
        k, width = theta.shape
        hessian = np.zeros((k, width, k, width))
        for a in range(k):
            for b in range(k):
                weight = w * p[:, a] * (float(a == b) - p[:, b])
                hessian[a, :, b, :] = (design * weight[:, None]).T @ design
            hessian[a, :, a, :] += np.diag(lam)
        step = np.linalg.lstsq(hessian.reshape(k * width, -1), gradient.ravel(), rcond=1e-14)[0].reshape(k, width)
        while objective(theta + step) > objective(theta) * (1 + 1e-13):
            step = step / 2
        theta = theta + step
        if np.abs(step).max() <= 1e-14 * np.abs(theta).max():
            break
    if not two:
        # A common constant changes nothing: least squares steps may have collected one.
        theta = theta - theta.mean(0)
    off = np.abs(theta - start).max() / np.abs(theta).max()
    assert np.abs(step).max() < 1e-9 * np.abs(theta).max(), (c, np.abs(step).max())
    coefficients = theta[:, first:]
    intercepts = theta[:, 0] - coefficients @ shift if intercept else np.zeros(len(theta))
    return dict(intercepts=intercepts.tolist(), coefficients=coefficients.tolist(), sklearn_differs_by=float(off))


def fits(name, data):
    x = data["x"]
    for weighted in [False, True]:
        w = data["weight"] if weighted else np.ones(len(x))
        for intercept in [True, False]:
            common = dict(data=name, weighted=weighted, fit_intercept=intercept)
            y = data["number"]
            yield dict(common, algorithm="linear_regression", target="number", hyperparams={},
                       **least_squares(x, y, w, intercept))
            for alpha in [1e-3, 1.0, 100.0]:
                ridge = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd").fit(x, y, sample_weight=w)
                yield dict(common, algorithm="ridge", target="number", hyperparams={"alpha": alpha}, **line(ridge))
            if name == "shifted" and not intercept:
                continue
            for alpha in [0.01, 0.3]:
                exact = dict(fit_intercept=intercept, tol=1e-15, max_iter=1_000_000)
                lasso = Lasso(alpha=alpha, **exact).fit(x, y, sample_weight=w)
                yield dict(common, algorithm="lasso", target="number", hyperparams={"alpha": alpha},
                           unique=name != "collinear", **line(lasso))
                net = ElasticNet(alpha=alpha, l1_ratio=0.3, **exact).fit(x, y, sample_weight=w)
                yield dict(common, algorithm="elastic_net", target="number",
                           hyperparams={"alpha": alpha, "l1_ratio": 0.3}, **line(net))
            for target in ["binary", "three"]:
                for c in [1e-3, 1.0, 1e4]:
                    yield dict(common, algorithm="logistic_regression", target=target, hyperparams={"C": c},
                               **logistic(x, data[target], w, c, intercept))
            if name == "plain" and intercept and not weighted:
                yield dict(common, algorithm="logistic_regression", target="binary",
                           hyperparams={"penalty": "none"}, **logit(x, data["binary"]))
                yield dict(common, algorithm="logistic_regression", target="three",
                           hyperparams={"penalty": "none"}, **mnlogit(x, data["three"]))


def line(model):
    return dict(intercepts=[float(model.intercept_)], coefficients=[np.ravel(model.coef_).tolist()])


def least_squares(x, y, w, intercept):
    """Slopes of least norm on the centred rows, as scikit-learn; standard errors of statsmodels."""
    model = LinearRegression(fit_intercept=intercept).fit(x, y, sample_weight=w)
    out = line(model)
    used = w > 0
    centre = np.average(x, axis=0, weights=w) if intercept else np.zeros(x.shape[1])
    z, weights, target = x[used] - centre, w[used], y[used]
    rank = np.linalg.matrix_rank(z * np.sqrt(weights)[:, None])
    out["rank"] = int(rank)
    if rank == x.shape[1] and len(z) > rank + 1:
        design = np.column_stack([np.ones(len(z)), z]) if intercept else z
        result = sm.WLS(target, design, weights=weights).fit()
        bse = list(result.bse)
        if intercept:
            # The intercept of the raw columns.
            v = np.concatenate([[1.0], -centre])
            bse[0] = float(np.sqrt(v @ result.cov_params() @ v))
            out["intercepts"] = [float(result.params[0] - centre @ result.params[1:])]
        out["coefficients"] = [list(result.params[int(intercept):])]
        out["std_err"] = bse if intercept else [None] + bse
    return out


def logit(x, y):
    result = sm.Logit(y, sm.add_constant(x)).fit(method="newton", tol=1e-14, ridge_factor=0, disp=0, maxiter=100)
    return dict(intercepts=[result.params[0]], coefficients=[list(result.params[1:])], std_err=list(result.bse))


def mnlogit(x, y):
    """Reference class 0 in statsmodels; here the coefficients of all classes add up to 0."""
    result = sm.MNLogit(y, sm.add_constant(x)).fit(method="newton", tol=1e-14, ridge_factor=0, disp=0, maxiter=100)
    params = np.column_stack([np.zeros(x.shape[1] + 1), result.params])
    params = params - params.mean(1, keepdims=True)
    return dict(intercepts=params[0].tolist(), coefficients=params[1:].T.tolist())


def main():
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=FutureWarning)
    sets = data_sets()
    out = dict(
        provenance=f"tests/reference/learners.py, scikit-learn {sklearn.__version__}, statsmodels "
        f"{statsmodels.__version__}, numpy {np.__version__}, {datetime.date.today()}",
        data={name: {key: np.asarray(value).tolist() for key, value in data.items()} for name, data in sets.items()},
        fits=[fit for name, data in sets.items() for fit in fits(name, data)],
    )
    text = json.dumps(out, allow_nan=False).replace('{"data"', '\n{"data"')
    (HERE / "learners.json").write_text(text + "\n")
    print(len(out["fits"]), "fits,", len(text), "bytes")


if __name__ == "__main__":
    main()
