"""Data that training reads: corpora, features computed once, phone labels and pitch."""
