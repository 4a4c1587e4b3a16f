"""The corpus maker: a teacher reads sentences with known durations and prosody styles into a training corpus."""

from .check import check_corpus
from .maker import make_corpus, run, train_corpus
from .recipe import CorpusRecipe, read_recipe, recipe_from_dict
from .teacher import KokoroTeacher

__all__ = [
    "CorpusRecipe",
    "KokoroTeacher",
    "check_corpus",
    "make_corpus",
    "read_recipe",
    "recipe_from_dict",
    "run",
    "train_corpus",
]
