port 3012
