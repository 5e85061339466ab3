"""What went wrong with other migration runners, told as tests: see docs/explanation."""
