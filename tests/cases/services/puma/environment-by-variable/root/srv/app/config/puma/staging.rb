port 3006
