"""Virtual machines and what they are made from, over REST."""
