"""The documentation under /docs/: pages written in docs/ and pages made from the product's own words, built
by Sphinx into var/docs with a theme of our own. The portal serves the files and imports none of this."""
