bind "tcp://localhost:9307?backlog=90"
