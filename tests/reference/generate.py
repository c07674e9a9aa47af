"""Writes the reference numbers of the tests: tests/reference/*.json.

    pip install numpy scipy statsmodels scikit-learn pandas mpmath
    PGLEARN_WINE=winequality-red.csv.gz PGLEARN_DATA=folder python3 tests/reference/generate.py [name ...]

PGLEARN_WINE is the file of crate linfa-datasets (or the same rows as plain CSV), PGLEARN_DATA the folder
with telco_churn.csv; a data set whose variable is unset is skipped and its JSON stays as it is.

statsmodels and scikit-learn give the numbers; `precise.py` computes the same quantities again with 50
digits (80-bit sums for the million rows). The JSON holds the precise ones, rounded to the nearest
double, and how far statsmodels was from them.
"""

import datetime
import json
import os
import pathlib
import platform
import re
import sys

import mpmath
import numpy as np
import pandas
import scipy
import scipy.stats
import sklearn
import sklearn.metrics as skm
import statsmodels
import statsmodels.api as sm
from statsmodels.stats.diagnostic import het_breuschpagan

import datasets
import encoders
import evaluation
import pipelines
import precise

HERE = pathlib.Path(__file__).parent
WINE = ["fixed_acidity", "volatile_acidity", "citric_acid", "residual_sugar", "chlorides", "free_sulfur_dioxide",
        "total_sulfur_dioxide", "density", "pH", "sulphates", "alcohol"]
DUMMIES = ["one_year", "two_year", "credit_card", "electronic_check", "mailed_check"]


def design(data, names):
    """[1, names...], the constant first."""
    return np.column_stack([np.ones(len(data))] + [np.asarray(data[n], dtype=float) for n in names])


def distance(ours, theirs):
    """The largest relative difference; values both below 1e-290 count as equal."""
    a = np.asarray([float(v) for v in np.ravel(ours)])
    b = np.ravel(theirs)
    keep = (np.abs(a) > 1e-290) | (np.abs(b) > 1e-290)
    return float(np.max(np.abs(a - b)[keep] / np.abs(a)[keep], initial=0.0))


def check_tails(statistics, p_values, distribution):
    """The p-values against scipy's at the same statistics: an own tail that is off must not become a reference."""
    theirs = 2 * distribution.sf(np.abs([float(v) for v in statistics]))
    off = distance(p_values, theirs)
    assert off < 1e-11, f"p-values differ from scipy by {off}"


def statsmodels_logit(x, y):
    """statsmodels' Newton to full convergence on columns of unit root mean square.

    Its default adds 1e-10 to the Hessian's diagonal, which stalls on ill-conditioned columns: switched off.
    """
    scale = np.sqrt(np.mean(x * x, axis=0))
    result = sm.Logit(y, x / scale).fit(method="newton", maxiter=100, tol=1e-8, ridge_factor=0, disp=0)
    outer = np.outer(scale, scale)
    return result.params / scale, result.bse / scale, result.llf, result.cov_params() / outer, result


def logistic(x, y):
    coef, std_err, ll, covariance, result = statsmodels_logit(x, y)
    best = precise.fit_logistic(x, y, coef)
    check_tails(best["z_stats"], best["p_values"], scipy.stats.norm)
    fitted = best.pop("fitted")
    best["num_rows_processed"] = len(x)
    best["statsmodels_differs_by"] = {
        "coef": distance(best["coef"], coef),
        "std_err": distance(best["std_err"], std_err),
        "z_stats": distance(best["z_stats"], result.tvalues),
        "p_values": distance(best["p_values"], result.pvalues),
        "log_likelihood": distance(best["log_likelihood"], ll),
        "variance_covariance": distance(best["variance_covariance"], covariance),
    }
    return best, np.asarray([float(v) for v in fitted])


def linear(x, y):
    best = precise.fit_linear(x, y)
    check_tails(best["t_stats"], best["p_values"], scipy.stats.t(len(x) - x.shape[1]))
    fitted = np.asarray([float(v) for v in best.pop("fitted")])
    result = sm.OLS(y, x).fit(method="qr")
    best["num_rows_processed"] = len(x)
    best["statsmodels_differs_by"] = {
        "coef": distance(best["coef"], result.params),
        "r2": distance(best["r2"], result.rsquared),
        "std_err": distance(best["std_err"], result.bse),
        "t_stats": distance(best["t_stats"], result.tvalues),
        "p_values": distance(best["p_values"], result.pvalues),
        "condition_no": distance(best["condition_no"], result.condition_number),
        "variance_covariance": distance(best["variance_covariance"], result.cov_params()),
        "bp": distance([best["bp_koenker"], best["bp_koenker_p"], best["bp_original"], best["bp_original_p"]],
                       [*het_breuschpagan(result.resid, x)[:2], *het_breuschpagan(result.resid, x, robust=False)[:2]]),
    }
    return best, fitted


def ranking(score, label):
    """scikit-learn on binary scores."""
    return {
        "area_under_roc": skm.roc_auc_score(label, score),
        "log_loss": skm.log_loss(label, score) if 0 < score.min() and score.max() < 1 else None,
        "distinct_scores": len(np.unique(score)),
        "accuracy_at_half": skm.accuracy_score(label, score >= 0.5),
        "f1_at_half": skm.f1_score(label, score >= 0.5),
    }


def regression(observed, predicted, predictors=None):
    """scikit-learn, but for mean_perc_error and adjusted_r2_score, which it does not have (their formulas in numpy)."""
    r2, n = skm.r2_score(observed, predicted), len(observed)
    adjusted = {} if predictors is None else {"adjusted_r2_score": 1 - (1 - r2) * (n - 1) / (n - predictors - 1)}
    return {
        "r2_score": r2,
        **adjusted,
        "mean_abs_error": skm.mean_absolute_error(observed, predicted),
        "mean_squared_error": skm.mean_squared_error(observed, predicted),
        "mean_abs_perc_error": skm.mean_absolute_percentage_error(observed, predicted),
        "mean_perc_error": np.mean((predicted - observed) / np.abs(observed)),
    }


def make_patients():
    data = datasets.patients()
    y = np.asarray(data.second_attack)
    whole = logistic(design(data, ["treatment", "trait_anxiety"]), y)[0]
    groups = {
        str(int(g)): logistic(design(part, ["trait_anxiety"]), np.asarray(part.second_attack))[0]
        for g, part in data.groupby("treatment")
    }
    published = {
        "note": "the MADlib manual, logistic regression, after 5 iterations; all but coef and odds_ratios "
                "belong to the coefficients of iteration 4. log_likelihood as printed by MADlib 2.1.0.",
        "coef": [-6.36346994178187, -1.02410605239327, 0.119044916668606],
        "log_likelihood": -9.41018298388876,
        "std_err": [3.21389766375094, 1.17107844860319, 0.0549790458269309],
        "z_stats": [-1.97998524145759, -0.874498248699549, 2.16527796868918],
        "p_values": [0.0477051870698128, 0.38184697353045, 0.0303664045046168],
        "odds_ratios": [0.0017233763092323, 0.359117354054954, 1.12642051220895],
        "condition_no": 326.081922792,
    }
    return {"logistic": whole, "by_treatment": groups, "madlib": published}


def make_houses():
    data = datasets.houses()
    names = ["tax", "bath", "size"]
    whole = linear(design(data, names), np.asarray(data.price))[0]
    # bedroom = 4 has a single row: there is nothing to compare
    groups = {
        str(int(g)): linear(design(part, names), np.asarray(part.price))[0]
        for g, part in data.groupby("bedroom") if len(part) > 4
    }
    published = {
        "note": "the MADlib manual, linear regression, the whole table",
        "coef": [-12849.4168959872, 28.9613922651765, 10181.6290712648, 50.516894915354],
        "r2": 0.768577580597443,
        "std_err": [33453.0344331391, 15.8992104963997, 19437.7710925923, 32.928023174087],
        "t_stats": [-0.38410317968819, 1.82156166004184, 0.523806408809133, 1.53416118083605],
        "p_values": [0.708223134615422, 0.0958005827189772, 0.610804093526536, 0.153235085548186],
        "condition_no": 9002.50457085737,
    }
    return {"linear": whole, "by_bedroom": groups, "madlib": published}


def make_wine():
    data = datasets.wine()
    x = design(data, WINE)
    good = np.asarray(data.quality >= 7, dtype=float)
    quality = np.asarray(data.quality, dtype=float)
    fit, probability = logistic(x, good)
    line, predicted = linear(x, quality)
    return {"logistic": fit, "linear": line,
            "ranking": ranking(probability, good), "regression": regression(quality, predicted, len(WINE))}


def make_telco():
    data = datasets.telco()
    y = np.asarray(data.churn)
    fit, probability = logistic(
        design(data, ["tenure_months", "monthly_charges", "total_charges", "number_of_services"] + DUMMIES), y)
    charges = np.asarray(data.total_charges)
    x = design(data, ["tenure_months", "monthly_charges", "number_of_services"] + DUMMIES)
    line, predicted = linear(x, charges)
    check = precise.fit_linear(x, charges, sums=precise.Extended(x))
    return {"logistic": fit, "linear": line, "ranking": ranking(probability, y),
            "regression": regression(charges, predicted, x.shape[1] - 1),
            "80_bit_sums_differ_by": {"coef": distance(line["coef"], check["coef"]),
                                      "std_err": distance(line["std_err"], check["std_err"]),
                                      "bp_koenker": distance(line["bp_koenker"], check["bp_koenker"])}}


def make_synthetic():
    x, label, target = datasets.synthetic(1_000_000)
    x = np.column_stack([np.ones(len(x)), x])
    return {"positives": int(label.sum()), "logistic": logistic(x, label)[0], "linear": linear(x, target)[0],
            "first_row": {"x": x[0, 1:], "label": label[0], "target": target[0]},
            "sums": {"x": x[:, 1:].sum(axis=0), "target": target.sum()}}


def make_metrics():
    data = datasets.scores(10_000)
    label, score = data["label"], data["score"]
    levels = np.unique(score)[::-1]
    counts = [skm.confusion_matrix(label, score >= t).ravel() for t in levels]  # tn, fp, fn, tp
    return {"rows": len(label), "ranking": ranking(score, label),
            "thresholds": {"note": "[threshold, tp, fp, fn, tn], descending",
                           "counts": [[t, c[3], c[1], c[2], c[0]] for t, c in zip(levels, counts)]},
            "regression": regression(data["observed"], data["predicted"])}


def plain(value):
    """JSON's types: mpf and numpy numbers as the nearest double."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (mpmath.mpf, np.floating)):
        return float(value)
    return int(value) if isinstance(value, np.integer) else value


def provenance():
    tools = {m.__name__: m.__version__ for m in (np, scipy, statsmodels, sklearn, pandas, mpmath)}
    return {"made_by": "tests/reference/generate.py", "date": datetime.date.today().isoformat(),
            "python": platform.python_version(), **tools}


MAKERS = {
    "patients": (make_patients, None),
    "houses": (make_houses, None),
    "metrics": (make_metrics, None),
    "evaluation": (evaluation.make, None),
    "encoders": (encoders.make, None),
    "pipelines": (pipelines.make, "PGLEARN_DATA"),
    "wine": (make_wine, "PGLEARN_WINE"),
    "telco": (make_telco, "PGLEARN_DATA"),
    "synthetic": (make_synthetic, None),
}


def main(names):
    for name in names or MAKERS:
        make, needs = MAKERS[name]
        if needs and needs not in os.environ:
            print(f"{name}: skipped ({needs} unset)")
            continue
        document = {"provenance": provenance(), **plain(make())}
        path = HERE / f"{name}.json"
        path.write_text(compact(json.dumps(document, indent=1, allow_nan=False)) + "\n")
        print(f"{name}: {path.stat().st_size} bytes")


def compact(text):
    """Arrays of plain values on one line each."""
    return re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s*\n\s*", " ", m[1]) + "]", text)


if __name__ == "__main__":
    main(sys.argv[1:])
