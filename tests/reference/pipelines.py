"""Whole pipelines by scikit-learn on real data: tests/reference/pipelines.json.

Run through generate.py with PGLEARN_DATA set: `python3 tests/reference/generate.py pipelines`. The transformers
say what `train()` decides by itself; the fits are taken far beyond scikit-learn's default tolerances, so that the
minimum is compared and not where a search stopped. All rows are learned from (split none).

The same by hand in tests/sql/data_pipelines.sql, which also says what is NULL: hum where id % 7 = 0,
windspeed where id % 101 = 0.
"""

import os

import numpy as np
import pandas as pd
import sklearn.metrics as skm
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

SHOWN = 40


def read(name):
    return pd.read_csv(os.path.join(os.environ["PGLEARN_DATA"], name), float_precision="round_trip")


def numbers(scaled=True):
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler() if scaled else FunctionTransformer())


def categories(rows, drop=None):
    named = lambda feature, category: f"{feature}={category}".replace("infrequent_sklearn", "(rare)")
    return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=int(np.ceil(max(2, 0.001 * rows))),
                         sparse_output=False, drop=drop, feature_name_combiner=named)


def parts(frame):
    day = frame.iloc[:, 0].dt
    return np.column_stack([day.year, day.month, day.day, day.dayofweek + 1])


def date_parts(scaled=True):
    names = [f"rented_on.{part}" for part in ("year", "month", "day", "day_of_week")]
    steps = [FunctionTransformer(parts, feature_names_out=lambda *_: names)]
    return make_pipeline(*steps, StandardScaler() if scaled else FunctionTransformer(feature_names_out="one-to-one"))


def telco():
    data = read("telco_churn.csv")
    y = (data.churn == "t").to_numpy()
    columns = ColumnTransformer([
        ("n", numbers(), ["tenure_months", "monthly_charges", "total_charges", "number_of_services"]),
        ("c", categories(len(data)), ["contract_type", "payment_method"]),
    ], verbose_feature_names_out=False)
    x = columns.fit_transform(data)
    fit = LogisticRegression(C=1.0, tol=1e-13, solver="newton-cholesky", max_iter=1000).fit(x, y)
    probability = fit.predict_proba(x)[:, 1]
    # rows without total_charges are imputed too
    shown = np.r_[np.arange(SHOWN), np.flatnonzero(data.total_charges.isna())]
    return {
        "weights": {"true": weights(columns, fit.intercept_[0], fit.coef_[0])},
        "probability": {str(data.id[row]): probability[row] for row in shown},
        "log_loss": skm.log_loss(y, probability),
        "roc_auc": skm.roc_auc_score(y, probability),
    }


def weights(columns, intercept, coefficients, extra=()):
    names = [*columns.get_feature_names_out(), *extra]
    assert len(names) == len(coefficients), (names, len(coefficients))
    return {"intercept": intercept, **dict(zip(names, coefficients))}


def bike():
    data = read("bike_hour.csv")
    data["rented_on"] = pd.to_datetime(data.dteday, format="%d/%m/%y")
    data.loc[data.id % 7 == 0, "hum"] = np.nan
    data.loc[data.id % 101 == 0, "windspeed"] = np.nan
    return data


NUMBERS = ["hr", "temp", "hum", "windspeed"]
FLAGS = ["holiday", "workingday"]


def bike_design(data, scaled=True, drop=None):
    """Columns of the regressions; the indicator of hum is the last."""
    columns = ColumnTransformer([
        ("d", date_parts(scaled), ["rented_on"]),
        ("n", numbers(scaled).set_params() if scaled else SimpleImputer(strategy="median"), NUMBERS),
        ("f", "passthrough", FLAGS),
        ("c", categories(len(data), drop), ["weathersit"]),
    ], verbose_feature_names_out=False)
    encoded = columns.fit_transform(data)
    absent = MissingIndicator().fit_transform(data[["hum"]]).astype(float)
    return columns, np.column_stack([encoded, absent])


def regressions():
    data = bike()
    y = data.cnt.to_numpy(dtype=float)
    columns, x = bike_design(data)
    fits = {
        "ridge": Ridge(alpha=2.5, solver="cholesky"),
        "lasso": Lasso(alpha=0.5, tol=1e-14, max_iter=1_000_000),
        "elastic_net": ElasticNet(alpha=0.05, l1_ratio=0.7, tol=1e-14, max_iter=1_000_000),
    }
    out = {}
    for name, fit in fits.items():
        fit.fit(x, y)
        out[name] = regression(columns, fit, x, y, data)
    # Unpenalised: not scaled, the most frequent weather (1) as the reference.
    columns, x = bike_design(data, scaled=False, drop=[1])
    out["linear_regression"] = regression(columns, LinearRegression().fit(x, y), x, y, data)
    return out


def regression(columns, fit, x, y, data):
    predicted = fit.predict(x)
    return {
        "weights": {"": weights(columns, fit.intercept_, fit.coef_, ["hum is null"])},
        "prediction": {str(data.id[row]): predicted[row] for row in range(SHOWN)},
        "r2": skm.r2_score(y, predicted),
    }


def seasons():
    """Season of the year by weather: four classes."""
    data = bike()
    columns = ColumnTransformer([
        ("n", numbers(), ["temp", "hum", "windspeed"]),
        ("c", categories(len(data)), ["weathersit"]),
    ], verbose_feature_names_out=False)
    x = np.column_stack([columns.fit_transform(data), data.hum.isna().to_numpy(dtype=float)])
    fit = LogisticRegression(C=0.5, tol=1e-13, solver="newton-cholesky", max_iter=1000).fit(x, data.season)
    assert list(fit.classes_) == [1, 2, 3, 4]
    # Intercepts are unique but for a common term: that of mean 0.
    intercepts = fit.intercept_ - fit.intercept_.mean()
    probability = fit.predict_proba(x)
    return {
        "weights": {str(k): weights(columns, b, w, ["hum is null"])
                    for k, b, w in zip(fit.classes_, intercepts, fit.coef_)},
        "probabilities": {str(data.id[row]): probability[row] for row in range(0, len(data), len(data) // SHOWN)},
        "log_loss": skm.log_loss(data.season, probability),
    }


def make():
    return {"telco": telco(), **regressions(), "seasons": seasons()}
