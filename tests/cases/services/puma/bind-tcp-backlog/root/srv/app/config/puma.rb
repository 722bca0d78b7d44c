workers 0
threads 1, 5
bind "tcp://127.0.0.1:9301?backlog=2000"
