"""Writes the reference fits of designs with many columns: tests/reference/wide.json.

    pip install numpy scikit-learn statsmodels
    python3 tests/reference/wide.py

Row i = 0..239 has 330 columns by formula (datasets.draw), so that Rust has the same doubles: 150 numbers
`draw(150 i + j) / 2^20 - 1/2`, and the 180 dummies of six columns of 30 categories each, category
`draw(10^6 + 6 i + c) % 30` of column c. The class is 1 where the first four numbers plus
`draw(2 10^6 + i) / 2^20 - 1/2` add up to more than 0. The fits are scikit-learn's, carried on to the floor
of rounding (`learners.logistic`).
"""

import datetime
import json
import pathlib
import warnings

import numpy as np
import sklearn

from datasets import draw
from learners import dummies, logistic

ROWS, NUMBERS, COLUMNS, CATEGORIES = 240, 150, 6, 30


def design():
    i = np.arange(ROWS)[:, None]
    x = draw(NUMBERS * i + np.arange(NUMBERS)) / 2**20 - 0.5
    codes = draw(10**6 + COLUMNS * i + np.arange(COLUMNS)) % CATEGORIES
    y = x[:, :4].sum(1) + draw(2 * 10**6 + i[:, 0]) / 2**20 - 0.5 > 0
    return np.column_stack([x] + [dummies(column, CATEGORIES) for column in codes.T]), y.astype(float)


def main():
    warnings.filterwarnings("ignore", category=FutureWarning)
    x, y = design()
    fits = [
        dict(hyperparams={"C": c, "fit_intercept": intercept}, **logistic(x, y, np.ones(len(x)), c, intercept))
        for c in [0.01, 1.0, 100.0]
        for intercept in [True, False]
    ]
    provenance = f"tests/reference/wide.py, scikit-learn {sklearn.__version__}, numpy {np.__version__}, {datetime.date.today()}"
    text = json.dumps(dict(provenance=provenance, fits=fits), allow_nan=False).replace('{"hyper', '\n{"hyper')
    (pathlib.Path(__file__).parent / "wide.json").write_text(text + "\n")
    print(len(fits), "fits,", len(text), "bytes;", [fit["sklearn_differs_by"] for fit in fits])


if __name__ == "__main__":
    main()
