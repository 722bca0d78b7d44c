BACKLOG = 55
bind = ":8000"
