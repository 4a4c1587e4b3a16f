"""A linear discriminant probe: can the prosody style be told from the features of an utterance?

Closed form (shared covariance, equal priors, shrinkage), so it has no training settings to tune. An accuracy of
1 / classes is chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

SHRINKAGE = 0.1  # share of the covariance replaced by its diagonal
_SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True, slots=True)
class StyleProbe:
    """A fitted probe. weights: (classes, features) and bias: (classes,) act on standardised features."""

    classes: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def predict(self, features: np.ndarray) -> list[str]:
        """features: (utterances, features) -> one class name each."""
        scores = ((features - self.centre) / self.scale) @ self.weights.T + self.bias
        return [self.classes[int(best)] for best in scores.argmax(axis=1)]

    def accuracy(self, features: np.ndarray, labels: Sequence[str]) -> float:
        """Share of utterances whose class is found."""
        found = self.predict(features)
        return float(np.mean([guess == label for guess, label in zip(found, labels, strict=True)]))


def fit_probe(features: np.ndarray, labels: Sequence[str]) -> StyleProbe:
    """Fit the discriminant. features: (utterances, features). Raises InputError for fewer than two classes."""
    classes = tuple(sorted(set(labels)))
    if len(classes) < 2 or len(features) != len(labels):
        raise InputError(
            f"A probe needs one label per utterance and two classes, but {len(features)} utterances, {len(labels)} "
            f"labels and {len(classes)} classes were given."
        )
    centre = features.mean(axis=0)
    scale = np.maximum(features.std(axis=0), _SMALLEST_DEVIATION)
    standard = (features - centre) / scale
    members = [np.array([label == name for label in labels]) for name in classes]
    means = np.stack([standard[mine].mean(axis=0) for mine in members])  # (classes, features)
    residual = standard - means[np.argmax(np.stack(members), axis=0)]
    covariance = residual.T @ residual / max(len(features) - len(classes), 1)
    diagonal = np.diag(np.diag(covariance)) + _SMALLEST_DEVIATION * np.eye(len(scale))
    weights = np.linalg.solve((1.0 - SHRINKAGE) * covariance + SHRINKAGE * diagonal, means.T).T
    return StyleProbe(classes, centre, scale, weights, -0.5 * (weights * means).sum(axis=1))


def cross_validated_accuracy(features: np.ndarray, labels: Sequence[str], *, folds: int = 5, seed: int = 0) -> float:
    """Accuracy on utterances the probe was not fitted on; every fold has its share of every class.

    Raises InputError when a class has fewer than two utterances.
    """
    counts = {name: list(labels).count(name) for name in set(labels)}
    if min(counts.values(), default=0) < 2:
        raise InputError(f"Cross validation needs two utterances of every class, but the counts are {counts}.")
    random = np.random.default_rng(seed)
    fold_of = np.zeros(len(labels), dtype=np.int64)
    for name in sorted(counts):
        places = np.array([place for place, label in enumerate(labels) if label == name])
        fold_of[random.permutation(places)] = np.arange(len(places)) % folds
    guesses = left_out_guesses(features, labels, fold_of)
    return float(np.mean([guess == label for guess, label in zip(guesses, labels, strict=True)]))


def left_out_guesses(features: np.ndarray, labels: Sequence[str], groups: Sequence[object] | np.ndarray) -> list[str]:
    """Guess for every utterance by a probe fitted on the other groups (other texts, for example).

    features: (utterances, features). Raises InputError for fewer than two groups.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < 2:
        raise InputError(f"Leaving a group out needs two groups, but got {len(names)}.")
    guesses = [""] * len(labels)
    for name in names:
        held = np.array([group == name for group in groups])
        probe = fit_probe(features[~held], [label for label, out in zip(labels, held, strict=True) if not out])
        for place, guess in zip(np.flatnonzero(held), probe.predict(features[held]), strict=True):
            guesses[place] = guess
    return guesses
