port 3005
