"""Who may do what: every endpoint asked by every role in every place, held against tables written by hand."""
