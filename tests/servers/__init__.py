"""Throw-away database servers, and what stands in front of them in production."""
