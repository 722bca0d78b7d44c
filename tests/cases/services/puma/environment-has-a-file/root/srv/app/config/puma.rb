port 3003
