"""`make bench`: what the product costs beside doing the same by hand, and whether that is within bounds."""
