bind "tcp://127.0.0.1:9303?backlog=abc"
bind "tcp://127.0.0.1:9304?backlog=12x"
bind "tcp://127.0.0.1:9305?backlog=0"
bind "tcp://127.0.0.1:9306?backlog=-1"
