"""Reference numbers of the metrics of hold-outs, by scikit-learn: tests/reference/evaluation.json.

Run through generate.py: `python3 tests/reference/generate.py evaluation`. The rows are made by formula from
datasets.draw, so that Rust (crates/core/tests/reference/evaluation.rs) has the same doubles:

    binary:     a = draw(3i), b = draw(3i+1); p = (a >> 10) / 1024 (tied: (a >> 14) / 64);
                class 1 where a + b / 2 > 786432
    several:    four classes, weights 1 + (draw(7i+k) >> 12) squared; p = weight / sum;
                class = how many of p0, p0 + p1, p0 + p1 + p2 lie below draw(7i+4) / 2**20
    regression: observed and predicted as datasets.scores
"""

import numpy as np
import sklearn.calibration
import sklearn.metrics as skm

import datasets

ROWS = 5000


def binary(shift, unit):
    i = np.arange(1, ROWS + 1, dtype=np.int64)
    a, b = datasets.draw(3 * i), datasets.draw(3 * i + 1)
    return (a >> shift) / unit, (a + b / 2 > 786_432).astype(int)


def of_two(score, label, threshold):
    # At 0.5 a tie is negative, as predict() of scikit-learn decides; elsewhere positive, as its ROC curve.
    decided = (score > threshold if threshold == 0.5 else score >= threshold).astype(int)
    return {
        "roc_auc": skm.roc_auc_score(label, score),
        "average_precision": skm.average_precision_score(label, score),
        "log_loss": skm.log_loss(label, score),
        "brier_score": skm.brier_score_loss(label, score),
        "accuracy": skm.accuracy_score(label, decided),
        "balanced_accuracy": skm.balanced_accuracy_score(label, decided),
        "precision": skm.precision_score(label, decided),
        "recall": skm.recall_score(label, decided),
        "f1": skm.f1_score(label, decided),
        "mcc": skm.matthews_corrcoef(label, decided),
        "rows": len(label),
    }


def several():
    i = np.arange(1, ROWS + 1, dtype=np.int64)
    weights = np.stack([1 + (datasets.draw(7 * i + k) >> 12) for k in range(4)], axis=1).astype(float) ** 2
    p = weights / weights.sum(axis=1, keepdims=True)
    u = datasets.draw(7 * i + 4) / 2**20
    label = (np.cumsum(p, axis=1)[:, :3] < u[:, None]).sum(axis=1)
    return p, label


def of_several(p, label):
    decided = p.argmax(axis=1)
    return {
        "log_loss": skm.log_loss(label, p),
        "accuracy": skm.accuracy_score(label, decided),
        "balanced_accuracy": skm.balanced_accuracy_score(label, decided),
        "precision_macro": skm.precision_score(label, decided, average="macro"),
        "recall_macro": skm.recall_score(label, decided, average="macro"),
        "f1_macro": skm.f1_score(label, decided, average="macro"),
        "roc_auc_ovr": skm.roc_auc_score(label, p, multi_class="ovr"),
        "rows": len(label),
    }


def of_numbers(observed, predicted):
    return {
        "r2": skm.r2_score(observed, predicted),
        "rmse": skm.root_mean_squared_error(observed, predicted),
        "mae": skm.mean_absolute_error(observed, predicted),
        "mape": skm.mean_absolute_percentage_error(observed, predicted),
        "median_absolute_error": skm.median_absolute_error(observed, predicted),
        "explained_variance": skm.explained_variance_score(observed, predicted),
        "rows": len(observed),
    }


def calibration(score, label):
    observed, predicted = sklearn.calibration.calibration_curve(label, score, n_bins=10, strategy="uniform")
    edges = np.linspace(0, 1, 11)
    counts = np.bincount(np.searchsorted(edges[1:-1], score), minlength=10)
    return {"observed": observed, "mean_predicted": predicted, "count": counts}


def curve(score, label):
    fpr, tpr, thresholds = skm.roc_curve(label, score, drop_intermediate=False)
    return {"fpr": fpr[1:], "tpr": tpr[1:], "threshold": thresholds[1:], "note": "the first point is (inf, 0, 0)"}


def make():
    score, label = binary(10, 1024)
    tied, tied_label = binary(14, 64)
    p, several_label = several()
    numbers = datasets.scores(ROWS)
    return {
        "binary": of_two(score, label, 0.5),
        "binary_at_0.3": of_two(score, label, 0.3),
        "tied": of_two(tied, tied_label, 0.5),
        "tied_at_0.75": of_two(tied, tied_label, 0.75),
        "several": of_several(p, several_label),
        "confusion": skm.confusion_matrix(several_label, p.argmax(axis=1)),
        "regression": of_numbers(numbers["observed"], numbers["predicted"]),
        "odd_regression": of_numbers(numbers["observed"][:-1], numbers["predicted"][:-1]),
        "calibration": calibration(score, label),
        "curve": curve(tied, tied_label),
    }
