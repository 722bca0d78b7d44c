port 3018
bind 'tcp://0.0.0.0:3018'
