"""Campus directories: read over LDAP, and logged in through."""
