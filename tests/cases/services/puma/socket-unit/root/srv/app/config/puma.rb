bind "tcp://127.0.0.1:9001"
bind "tcp://127.0.0.1:9002?backlog=500"
bind_to_activated_sockets
