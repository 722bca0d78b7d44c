bind "tcp://[::]:9308"
bind "tcp://[::1]:9309?backlog=7"
