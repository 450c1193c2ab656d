"""Pages that follow what happens: they name topics, and are told which of them changed, never what.

A page then asks for its parts anew, by the ordinary views, which judge for themselves who may see what.
"""
