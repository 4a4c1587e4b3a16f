"""IndexTTS2 as a plain PyTorch library: zero-shot, emotional, duration-controlled text-to-speech.

Importing this package reads no weights and touches no network; heavy imports happen inside functions.
"""

__version__ = "0.1.0"
