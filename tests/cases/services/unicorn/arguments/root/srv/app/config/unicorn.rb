listen 8094, backlog: 94
