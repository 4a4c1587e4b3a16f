"""`train tokenizer`: writes the SentencePiece model of the English kind."""

from __future__ import annotations

from pathlib import Path

from ..text.english import LETTERS, PUNCTUATION, VOCABULARY
from ..text.pronounce import PHONES

START_ID = 0
STOP_ID = 1
UNKNOWN_ID = 2
_RESERVED = 3


def train_english_tokenizer(path: str | Path) -> Path:
    """Write a SentencePiece model that holds `text.english.VOCABULARY`, ids in a fixed order, and return its path.

    The vocabulary is a closed list, so no corpus is needed: characters come from one made-up sentence, phonemes are
    user-defined symbols. Start and stop of the text are ids 0 and 1, unknown is 2.
    """
    import sentencepiece

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    characters = " ".join((*LETTERS, *PUNCTUATION))  # the blanks bring in SPACE
    with path.open("wb") as file:
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
