"""What people of a directory are given: rules, their preview, runs of the sync; and what leavers left."""
