"""Contracts as files and as text: saving, loading and describing the values between stages."""
