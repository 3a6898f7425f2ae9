"""`python -m mss_gateway` is the operator's CLI."""

from mss_gateway.cli.main import main

if __name__ == "__main__":
    main()
