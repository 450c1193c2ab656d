"""The campus' directories: how they are reached, whether they answer, who came in through them."""
