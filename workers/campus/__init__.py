"""A campus to look at: `python -m workers.campus` fills an empty portal with simulated zones, hosts
and machines whose rows and simulated world agree."""
