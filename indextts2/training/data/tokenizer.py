"""`train tokenizer`: writes the SentencePiece model of a new checkpoint, for either text kind."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...atomic import make_folder, replacing
from ...errors import ConfigError, TrainingError
from ...text.english import LETTERS, PUNCTUATION, VOCABULARY
from ...text.expander import Expander, default_expander
from ...text.normalise import OfficialNormaliser
from ...text.official import space_and_raise
from ...text.pronounce import PHONES
from ...text.tracked import TrackedText
from ..loop.recipe import load_recipe
from ..loop.trainer import TrainingResult
from .corpus_data import read_manifest

START_ID = 0
STOP_ID = 1
UNKNOWN_ID = 2
_RESERVED = 3
TOKENIZER_FILE = "tokenizer.model"
TEXT_KINDS = ("english", "official")
HELD_OUT_PREFIX = "test"


@dataclass(frozen=True, slots=True)
class TokenizerRecipe:
    """kind: of the text front end. corpora: folders with a manifest, read by "official" alone, whose pieces are learned
    from the texts of the training splits. vocabulary_size: of "official"; "english" has a closed list of symbols.
    """

    kind: str = "english"
    corpora: tuple[str, ...] = ()
    vocabulary_size: int = 12_000

    def __post_init__(self) -> None:
        if self.kind not in TEXT_KINDS:
            raise ConfigError(f"A tokenizer is of kind {' or '.join(TEXT_KINDS)}, but got '{self.kind}'.")
        if self.kind == "official" and not self.corpora:
            raise ConfigError("A tokenizer of kind 'official' is learned from texts; name corpora.")


def train_tokenizer(recipe_file: Path, folder: Path) -> TrainingResult:
    """Write `tokenizer.model` into the folder; `step` counts the texts that were read."""
    recipe = load_recipe(recipe_file, TokenizerRecipe)
    started = time.monotonic()
    texts: list[str] = []
    if recipe.kind == "english":
        train_english_tokenizer(folder / TOKENIZER_FILE)
    else:
        utterances = (utterance for corpus in recipe.corpora for utterance in read_manifest(Path(corpus)))
        texts = [utterance.text for utterance in utterances if not utterance.split.startswith(HELD_OUT_PREFIX)]
        train_official_tokenizer(texts, folder / TOKENIZER_FILE, vocabulary_size=recipe.vocabulary_size)
    return TrainingResult(len(texts), (time.monotonic() - started) / 60, "done")


def train_english_tokenizer(path: str | Path) -> Path:
    """Write a SentencePiece model that holds `text.english.VOCABULARY`, ids in a fixed order, and return its path.

    The vocabulary is a closed list, so no corpus is needed: characters come from one made-up sentence, phonemes are
    user-defined symbols. Start and stop of the text are ids 0 and 1, unknown is 2.
    """
    import sentencepiece

    path = Path(path)
    make_folder(path.parent, TrainingError)
    characters = " ".join((*LETTERS, *PUNCTUATION))  # the blanks bring in SPACE
    with replacing(path, TrainingError) as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([characters] * 2),
            model_writer=file,
            model_type="char",
            vocab_size=len(VOCABULARY) + _RESERVED,
            character_coverage=1.0,
            user_defined_symbols=list(PHONES),
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            bos_id=START_ID,
            eos_id=STOP_ID,
            unk_id=UNKNOWN_ID,
            pad_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    return path


def train_official_tokenizer(
    texts: Iterable[str], path: str | Path, *, vocabulary_size: int = 12_000, expander: Expander | None = None
) -> Path:
    """Learn a byte-pair vocabulary from texts, prepared as the official front end prepares them; return its path.

    For a checkpoint of text kind "official" in a language or a field of its own. The same texts in the same order give
    the same model. Raises TrainingError when the texts are too few for the vocabulary.
    """
    import sentencepiece

    path = Path(path)
    make_folder(path.parent, TrainingError)
    normaliser = OfficialNormaliser(default_expander()[0] if expander is None else expander)
    try:
        with replacing(path, TrainingError) as file:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=(_as_pieces_see_it(normaliser, text) for text in texts),
                model_writer=file,
                model_type="bpe",
                vocab_size=vocabulary_size,
                character_coverage=1.0,
                bos_id=START_ID,
                eos_id=STOP_ID,
                unk_id=UNKNOWN_ID,
                pad_id=-1,
                num_threads=1,
                minloglevel=2,
            )
    except RuntimeError as error:
        raise TrainingError(
            f"No vocabulary of {vocabulary_size} pieces can be learned from these texts ({error}). "
            "Give more text or ask for fewer pieces."
        ) from error
    return path


def _as_pieces_see_it(normaliser: OfficialNormaliser, text: str) -> str:
    tracked = TrackedText(text)
    normaliser.normalise(tracked)
    space_and_raise(tracked)
    return tracked.text
