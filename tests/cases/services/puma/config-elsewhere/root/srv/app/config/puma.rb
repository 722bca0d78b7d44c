port 3010
