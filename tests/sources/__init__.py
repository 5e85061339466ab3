"""From a folder or package to migrations."""
