"""Everything that can be wrong, and the sentence for each: a table in several parts."""
