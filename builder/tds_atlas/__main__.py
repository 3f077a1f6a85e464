"""`python -m tds_atlas`: the command `tds`."""

from tds_atlas.cli.main import main

if __name__ == "__main__":
    main()
