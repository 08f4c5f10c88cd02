"""Loaded by every Python process that a test starts while mutants run: see ``mutant_imports``."""

if __name__ == "sitecustomize":
    from mutant_imports import install_from_environment

    install_from_environment()
