"""The portal in the reader's language: texts are found in the code, kept in `locale/`, compiled on start."""
