"""What the tests of datasets share."""

TEXT = "+1 1:0.5 3:2\n-1 2:1\n+1 1:1 2:-1\n-1 3:4\n" * 5
